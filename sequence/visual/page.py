"""The page report.html: one file with everything in it, which opens without a network."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from video.atomic_write import atomic_write

_STYLE = """
:root{color-scheme:light dark;--ground:#fff;--panel:#f6f7f9;--text:#1b2430;--faint:#566070;
--line:#dfe3e8;--accent:#0b63ce;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ground:#12161b;--panel:#1a2027;--text:#e6eaf0;
--faint:#9aa5b4;--line:#2b333d;--accent:#7db4ff;--bad:#ff9c92}
figure img{background:#fff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1.5rem;background:var(--ground);color:var(--text);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.7rem;margin:.2rem 0}h2{font-size:1.25rem;margin:2.4rem 0 .6rem;
border-bottom:1px solid var(--line);padding-bottom:.3rem}
p{max-width:46rem}.faint{color:var(--faint)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.25rem .7rem;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}thead th{color:var(--faint);font-weight:600}
.first tbody tr:first-child td{font-weight:600}
.grid{display:grid;gap:1rem;
grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}
figure{margin:0;background:var(--panel);border:1px solid var(--line);border-radius:10px;
padding:.7rem;max-width:100%}
figure img,figure video{max-width:100%;height:auto;border-radius:6px;display:block}
figure video{width:100%;margin-top:.4rem}a{color:var(--accent)}
.grid.large{grid-template-columns:minmax(0,1fr)}
details{margin-top:.4rem}summary{color:var(--accent);cursor:pointer}
figcaption{color:var(--faint);font-size:.9rem;margin-top:.4rem;overflow-wrap:anywhere}
.wrong{color:var(--bad);font-weight:600}
@media (max-width:32rem){figure .wide>*{min-width:40rem}body{padding:1rem}
th,td{padding:.25rem .4rem;font-size:.9rem}}
@media print{details{display:none}body{max-width:none;padding:0}figure,table{break-inside:avoid}
h2{break-after:avoid}}
"""
# Nothing may be loaded from anywhere: all pictures and short videos are in the page.
_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"


@dataclass
class Section:
    """A part of the page.

    Attributes:
        title: Heading.
        parts: Pieces of HTML, in order.
    """

    title: str
    parts: list[str] = field(default_factory=list)

    def text(self, words: str, faint: bool = False) -> "Section":
        """Add a paragraph."""
        kind = ' class="faint"' if faint else ""
        self.parts.append(f"<p{kind}>{escape(words)}</p>")
        return self

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], first: bool = False
    ) -> "Section":
        """Add a table; the first column has the names, and `first` stresses the first row."""
        kind = " first" if first else ""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        self.parts.append(
            f'<div class="wide{kind}"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
        return self

    def pictures(self, pictures: Sequence[tuple[bytes | None, str]]) -> "Section":
        """Add pictures side by side, each PNG or JPEG with its caption; None is left out."""
        shown = [figure(picture, caption) for picture, caption in pictures if picture]
        if shown:
            self.parts.append(f'<div class="grid">{"".join(shown)}</div>')
        return self


def figure(
    picture: bytes, caption: str, wrong: str = "", more: str = "", scrolls: bool = False
) -> str:
    """Return a picture with its caption as HTML.

    Args:
        picture: PNG or JPEG file.
        caption: Text below it, and for readers of the page that do not see it.
        wrong: Text after the caption, in the color of mistakes.
        more: HTML between the picture and the caption.
        scrolls: Whether a narrow screen shows a part of a wide picture, not all of it small.
    """
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    data = base64.b64encode(picture).decode("ascii")
    mark = f' <span class="wrong">{escape(wrong)}</span>' if wrong else ""
    shown = f'<img src="data:image/{kind};base64,{data}" alt="{escape(caption, quote=True)}">'
    if scrolls:
        shown = f'<div class="wide">{shown}</div>'
    words = f"<figcaption>{escape(caption)}{mark}</figcaption>"
    return f"<figure>{shown}{more}{words}</figure>"


def write_page(path: Path, title: str, subtitle: str, sections: Sequence[Section]) -> None:
    """Write the page; an existing file is replaced atomically.

    Args:
        path: File to write.
        title: Heading of the page.
        subtitle: Line below it.
        sections: Parts of the page; those without content are left out.
    """
    parts = "".join(
        f"<section><h2>{escape(each.title)}</h2>{''.join(each.parts)}</section>"
        for each in sections
        if each.parts
    )
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="faint">{escape(subtitle)}</p>'
        f"<main>{parts}</main></body></html>\n"
    )
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
