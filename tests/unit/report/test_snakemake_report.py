"""Snakemake's report within the page."""

import base64
import gzip
import json
import re

import pytest

from outofsample.errors import UserError
from outofsample.report.snakemake_report import embed, read_options


def test_snakemakes_report_is_carried_whole(small, tmp_path):
    report = tmp_path / "inner.html"
    report.write_text("<!DOCTYPE html><script>1 < 2</script></script>ä" * 100)
    whole = embed(small.page.read_text(), report)
    (store,) = re.findall(r'id="snakemake-report"[^>]*>([^<]*)</script>', whole)
    assert gzip.decompress(base64.b64decode(store)) == report.read_bytes()
    assert 'data-opens="snakemake-report"' in whole and "It is not in this file" not in whole
    assert embed(whole, report) == whole


def test_a_picture_that_the_page_has_is_not_carried_twice(small, tmp_path):
    packed = "data:image/png;charset=utf8;filename={}.png;base64," + "iVBOR+/w0==" * 9
    text = f'<head></head>{{"a": "{packed.format("points")}", "b": "{packed.format("elsewhere")}"}}'
    (tmp_path / "inner.html").write_text(text)
    whole = embed(small.page.read_text(), tmp_path / "inner.html")
    (store,) = re.findall(r'id="snakemake-report"[^>]*>([^<]*)</script>', whole)
    inner = gzip.decompress(base64.b64decode(store)).decode()
    assert '"a": "outofsample-picture:points:"' in inner
    assert f'"b": "{packed.format("elsewhere")}"' in inner


def test_a_page_of_own_data_that_the_page_has_is_not_carried_twice(small, tmp_path):
    packed = "data:text/html;charset=utf8;filename={}_changes.html;base64," + "PHA+" * 99
    text = f'<head></head>{{"a": "{packed.format("mine")}", "b": "{packed.format("other")}"}}'
    (tmp_path / "inner.html").write_text(text)
    attachment = '<script type="text/plain" id="own-t-mine_changes" data-name="mine_changes.html">H4sI</script>'
    whole = embed(small.page.read_text() + attachment, tmp_path / "inner.html")
    (store,) = re.findall(r'id="snakemake-report"[^>]*>([^<]*)</script>', whole)
    inner = json.loads(gzip.decompress(base64.b64decode(store)).decode().partition("</head>")[2])
    assert inner["b"] == packed.format("other")
    told = base64.b64decode(inner["a"].partition("base64,")[2]).decode()
    assert "mine_changes.html: see ‘Your own data’" in told and "filename=mine_changes.html;" in inner["a"]


def test_the_options_of_the_run_are_kept(small, tmp_path):
    assert read_options(small.page) == ["--configfile", "studies/small.yaml"]
    other = tmp_path / "other.html"
    other.write_text("<p>no page of ours</p>")
    with pytest.raises(UserError, match=r"this is not a page that make_page\.py wrote"):
        read_options(other)
    with pytest.raises(UserError, match="no place for Snakemake's report"):
        embed(other.read_text(), other)
