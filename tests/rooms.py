"""Dependency picture of the rooms: `python -m tests.rooms` prints rooms, arrows and circles.

A room is a top-level package, or a package inside `clips/` or `extract/`; `clips` and `extract`
themselves stand for their loose files. An arrow goes from a room to a room that it imports,
wherever the import statement stands.
"""

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# From the ground up: a room imports only rooms that come before it.
ORDER = (
    "video",
    "storage",
    "metrics",
    "training",
    "recipes",
    "clips.manifest",
    "clips.splitting",
    "clips.finding",
    "clips.lists",
    "clips.inspection",
    "clips.loading",
    "clips",
    "model_folder",
    "extract.architectures",
    "extract.convert",
    "extract.backbones",
    "extract.engines",
    "extract.feature_store",
    "extract.extractor",
    "extract.pipeline",
    "extract.finetuning",
    "extract",
    "sequence",
    "live.cameras",
    "live.alarms",
    "live.events",
    "live.recording",
    "live.messages",
    "live",
    "live.page",
    "live.teaching",
    "live.watching",
    "lookback",
    "cluster",
)
PACKAGES = tuple(dict.fromkeys(room.partition(".")[0] for room in ORDER))
Graph = Mapping[str, set[str]]


def module_files() -> dict[str, Path]:
    """Return the file of every module of the rooms, by dotted name."""
    files = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            files[name.removesuffix(".__init__")] = path
    return files


def room_of(module: str) -> str:
    """Return the room of a module.

    >>> room_of("extract.convert.download"), room_of("extract.loading"), room_of("video.frame")
    ('extract.convert', 'extract', 'video')
    """
    nested = ".".join(module.split(".")[:2])
    return nested if nested in ORDER else module.partition(".")[0]


def module_graph() -> dict[str, set[str]]:
    """Return the modules of the rooms that each module imports, itself left out."""
    files = module_files()
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        graph[module] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            graph[module] |= _imported(node, files) - {module}
    return graph


def _imported(node: ast.AST, files: Mapping[str, Path]) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & set(files)
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return set()
    submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(files)
    return submodules or {node.module} & set(files)


def room_graph(modules: Graph) -> dict[str, set[str]]:
    """Return the rooms that each room imports, itself left out."""
    rooms: dict[str, set[str]] = {room: set() for room in ORDER}
    for module, imported in modules.items():
        rooms[room_of(module)] |= {room_of(other) for other in imported} - {room_of(module)}
    return rooms


def circles(graph: Graph) -> list[list[str]]:
    """Return the circles of a graph: its strongly connected components of two and more nodes
    (Tarjan 1972).

    >>> circles({"a": {"b"}, "b": {"c"}, "c": {"b"}})
    [['b', 'c']]
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def arrows_up(rooms: Graph) -> list[tuple[str, str]]:
    """Return the arrows from a room to one that comes after it in `ORDER`."""
    place = {room: number for number, room in enumerate(ORDER)}
    return [(a, b) for a in rooms for b in sorted(rooms[a]) if place[b] > place[a]]


def line_counts() -> dict[str, int]:
    """Return the lines of code of each room, tests left out."""
    counts: dict[str, int] = defaultdict(int)
    for module, path in module_files().items():
        counts[room_of(module)] += len(path.read_text(encoding="utf-8").splitlines())
    return counts


def main() -> None:
    modules = module_graph()
    rooms, lines = room_graph(modules), line_counts()
    total = sum(lines.values())
    for room in reversed(ORDER):
        share = f"{lines[room]:>6} lines {lines[room] / total:>4.0%}"
        print(f"{room:<22}{share}  -> {', '.join(sorted(rooms[room])) or 'none'}")
    print(f"\n{len(modules)} modules, {sum(len(v) for v in rooms.values())} arrows between rooms")
    print(f"circles of modules: {circles(modules) or 'none'}")
    print(f"circles of rooms: {circles(rooms) or 'none'}")
    print(f"arrows back up: {arrows_up(rooms) or 'none'}")


if __name__ == "__main__":
    main()
