"""Reading a page back."""

import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """What a page consists of: its tags with attributes, ids, headings and text."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.open, self.headings, self.words = text, [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "script" in self.open or "style" in self.open:
            return
        self.words.append(data)
        if self.open and self.open[-1] in {"h1", "h2", "h3", "h4"}:
            self.headings.append((self.open[-1], data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def empty_sections(text):
    """Return the tags of the sections in which nothing but a heading stands."""
    pieces = re.split(r"(<section[^>]*>|</section>)", text)
    return [
        tag
        for tag, inside, following in zip(pieces[1::2], pieces[2::2], [*pieces[3::2], ""], strict=True)
        if tag != "</section>" and not following.startswith("<section")
        if not re.sub(r"<h[1-4].*?</h[1-4]>|<[^>]+>", "", inside).strip()
    ]
