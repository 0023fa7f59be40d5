"""The page of a report: complete in itself, and safe whatever names it shows."""

import re

from sequence.visual.page import Section, figure, write_page

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def written(tmp_path, *sections: Section) -> str:
    write_page(tmp_path / "report.html", "A & B", "<i>", sections)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_names_of_classes_are_text_and_not_html(tmp_path):
    section = Section("<b>").table(("class",), [("<script>alert(1)</script>",)]).text("a < b")
    section.parts.append(figure(PNG, '"><script>', "<wrong>"))
    text = written(tmp_path, section)
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "A &amp; B" in text


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    text = written(tmp_path, Section("Curves").pictures([(PNG, "Confusion"), (None, "none")]))
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert text.count("<figure>") == 1


def test_a_section_without_content_is_left_out(tmp_path):
    assert "Empty" not in written(tmp_path, Section("Empty"), Section("Full").text("x"))
