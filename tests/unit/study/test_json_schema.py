"""The JSON schema of studies agrees with the models and with every entry's settings."""

import json

from outofsample import registry
from outofsample.study.json_schema import SCHEMA, study_schema


def test_schema_file_is_up_to_date():
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(study_schema())), "run `make schema`"


def test_schema_knows_the_settings_of_every_entry():
    schema = study_schema()
    for kind in registry.KINDS:
        assert set(schema["properties"][kind]["properties"]) == set(registry.available(kind))
    assert "hidden" in schema["properties"]["models"]["properties"]["autoencoder"]["properties"]
