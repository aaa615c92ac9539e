"""The report of a study: tables, ranks, score card and its page."""
