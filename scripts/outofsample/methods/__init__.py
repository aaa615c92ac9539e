"""Methods: what turns the query into a prediction. One file is one method (`outofsample.registry` finds them)."""
