"""The pieces of `make bench-delivery`: a tiny run of it, and tables from figures that are known."""

import io
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from bench import aims, report, scale, stock, uploads
from bench.aims import AtLeast, AtMost
from bench.beside import Grown, Paced
from bench.browser import request
from bench.delivery import arguments, measure, needed, standing
from bench.load import Load, PythonLoad, Wrk, percentile
from bench.measuring import Cell, Measured, ratio
from bench.photograph import photograph
from bench.report import Result
from bench.rows import BESIDE, ROWS, order_of
from bench.targets import AVENUE, EDGE, NAIVE, NGINX, NO_LANE, PARSE, THINNEST, TITLES, UNCACHED
from tests.threads import Threads

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
LEFT_OUT = frozenset({EDGE, NO_LANE, UNCACHED, PARSE})
COUNTS = {stock.THUMB: 3, stock.PHOTO: 2, stock.HEAVY: 1, stock.LARGE: 1}


def cell(*per_second: float, p99_ms: float = 1.0, failures: int = 0) -> Cell:
    return Cell(
        rounds=[
            Measured(per_second=each, p50_ms=0.5, p99_ms=p99_ms, cpu_us=100.0, failures=failures)
            for each in per_second
        ]
    )


def paced(p99_ms: float, failures: int = 0) -> Paced:
    return Paced(answers=600, failures=failures, p50_ms=0.5, p99_ms=p99_ms)


# A tiny run


@pytest.fixture(scope="module")
def result() -> Result:
    """All that the bench does, in rounds of a fifth of a second."""
    options = arguments().parse_args(["--rounds", "1", "--seconds", "0.2", "--python-load"])
    with standing(options, COUNTS, LEFT_OUT) as (bench, result, token):
        names = ["thumb", "thumbs-304", "photo-range", "slow-readers", "downloads"]
        measure(bench, result, token, names)
    return result


@pytest.mark.long
def test_everybody_is_measured(result):
    assert not result.missing
    assert set(result.rows) == {"thumb", "thumbs-304", "photo-range"}
    for row, cells in result.rows.items():
        assert set(cells) == {NGINX, AVENUE, NAIVE, *({THINNEST} if row == "thumb" else ())}
        for each in cells.values():
            assert each.median("per_second") > 0
            assert 0 < each.median("p50_ms") <= each.median("p99_ms")
            assert each.failures == 0
            assert not each.whole_instead
    assert result.rows["thumb"][NAIVE].median("cpu_us") > 0
    assert result.paced["slow-readers"][NGINX].answers > 0
    assert result.grown[AVENUE].server_mb >= 0
    assert all(at_start > 0 for at_start, _ in result.memory.values())


@pytest.mark.long
def test_what_was_measured_can_be_told(result):
    told = report.markdown(result)
    for name in ("thumb", "thumbs-304", "photo-range"):
        assert next(row.title for row in ROWS if row.name == name) in told
    assert "× Parse: not measured" in told
    assert json.loads(json.dumps(result.as_json()))["rows"]["thumb"][NAIVE]["rounds"]


# Load


class Answering(BaseHTTPRequestHandler):
    """Keeps connections and knows two paths."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200 if self.path == "/there" else 404)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"a" * 100_000)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    "generator",
    [PythonLoad(), pytest.param(Wrk(), marks=pytest.mark.needs("wrk"))],
    ids=["python", "wrk"],
)
def test_a_generator_counts_answers_failures_and_bytes(generator):
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        port = server.server_address[1]
        with Threads(1) as pool:
            pool.submit(server.serve_forever)
            found = generator.run(
                Load(
                    port=port,
                    requests=[request(port, "/there"), request(port, "/nowhere")],
                    order=[0, 0, 0, 1],
                    connections=2,
                    seconds=1,
                )
            )
            server.shutdown()
    every = found.answers + found.failures
    assert every >= 8
    assert found.answers == pytest.approx(every * 3 / 4, abs=6)
    assert every * 100_000 <= found.bytes <= (every + 2) * 101_000
    assert 0 < found.p50_ms <= found.p99_ms


def test_the_smallest_value_that_a_share_does_not_exceed():
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile(list(range(100)), 0.99) == 99
    assert percentile([], 0.5) == float("inf")


def test_an_order_is_drawn_once_and_skewed():
    order = order_of(2000)
    assert order == order_of(2000)
    assert set(order) <= set(range(2000))
    wanted_most = sum(each < 200 for each in order) / len(order)
    assert wanted_most == pytest.approx(0.72, abs=0.02)
    assert order_of(1) == [0]


def test_a_request_is_a_browsers():
    for signed_in in (True, False):
        head = request(8000, "/media/a", "Range: bytes=0-9", signed_in=signed_in)
        assert head.startswith(b"GET /media/a HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
        assert head.endswith(b"Range: bytes=0-9\r\n\r\n")
        assert head.count(b"\r\n") == 1 + 1 + 12 + 1 + 1
        assert 700 < len(head) < 950
        assert (b"avenue_session=" in head) is signed_in


def test_only_what_is_asked_for_is_stored():
    assert needed(["thumb"]) == {stock.THUMB: 1, stock.HEAVY: 1, stock.LARGE: 1}
    assert needed([row.name for row in ROWS])[stock.PHOTO] == 2000


# Figures and aims


def test_a_ratio_is_the_median_of_the_ratios_of_the_same_round():
    # The machine was twice as fast in the second round, for both.
    assert ratio(cell(100, 260, 300), cell(50, 100, 100)) == pytest.approx(2.6)
    assert ratio(cell(100), None) is None
    assert ratio(cell(100), cell(0)) == float("inf")


@pytest.mark.parametrize(("ours", "met"), [(50, True), (49.9, False)])
def test_an_aim_at_least(ours, met):
    aim = AtLeast(row="thumb", target=AVENUE, other=NGINX, times=0.5)
    judged = aim.judge({AVENUE: cell(ours), NGINX: cell(100)})
    assert judged.met is met
    assert ("NOT MET" in str(judged)) is not met


@pytest.mark.parametrize(
    ("most", "reached", "met"), [(10, 9.9, True), (10, 10, False), (0, 0, True), (0, 1, False)]
)
def test_an_aim_at_most(most, reached, met):
    aim = AtMost(row="slow-readers", target=AVENUE, figure="p99", most=most, unit=" ms")
    assert aim.judge(reached).met is met


def test_who_is_missing_makes_an_aim_not_measured():
    aim = AtLeast(row="thumb", target=AVENUE, other=PARSE, times=40).judge({AVENUE: cell(1)})
    assert aim.met is None
    assert str(aim) == "≥ 40 × Parse: not measured"


def test_every_aim_of_a_whole_run_is_judged():
    """Ratios on the lane, without it, warm, and at the edge; latencies; memory."""
    every = {row.name: {name: cell(100) for name in row.targets} for row in ROWS}
    ratios = list(aims.of_measured_rows(every))
    assert len(ratios) == 3 * 8 + 2 * 4 + 2 * 2 + 4 + 2
    assert all(each.met is not None for each in ratios)
    beside = {row: {AVENUE: paced(9)} for row in ("slow-readers", "uploads")}
    assert [each.met for each in aims.of_paced(beside)] == [True, True, True]
    grown = {AVENUE: Grown(process_mb=41, server_mb=60)}
    assert [each.met for each in aims.of_grown(grown)] == [False]


# Tables


def test_the_tables_have_the_figures_and_the_aims(tmp_path):
    cells = {
        NGINX: cell(1000, 2000, 3000),
        AVENUE: cell(600, 1200, 1800, failures=2),
        NO_LANE: cell(100, 200, 300, p99_ms=21.0),
        NAIVE: cell(10, 20, 30),
        PARSE: Cell(rounds=cell(20, 20, 20).rounds, whole_instead=True),
    }
    found = Result(machine=["Some machine."], rows={"thumb": cells})
    found.missing[EDGE] = "Avenue behind nginx's cache: nginx is not installed"
    found.paced["slow-readers"] = {AVENUE: paced(12, failures=1)}
    found.grown[AVENUE] = Grown(process_mb=12.3, server_mb=20)
    found.memory[AVENUE] = [100.4, 120.6]
    found.aims = [
        *aims.of_measured_rows(found.rows),
        *aims.of_paced(found.paced),
        *aims.of_grown(found.grown),
    ]
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter.\n")
    report.write(page, found)
    text = page.read_text()
    assert text.startswith("# Before\n")
    assert text.endswith("\n\nAfter.\n")
    assert "old" not in text
    lines = [cells_of(line) for line in text.splitlines() if line.startswith("|")]
    by_who = {line[1]: line for line in lines[:7]}
    fast = by_who["Avenue (6 failed)"]
    assert fast[2:9] == ["1,200", "0.60", "60.0", "60.0", "0.50", "1.0", "100"]
    assert fast[9] == ("≥ 0.5 × nginx: met (0.6); ≥ 40 × naive: met (60); ≥ 40 × Parse: met (60)")
    assert "p99 < 20 ms: NOT MET (21)" in by_who[TITLES[NO_LANE]][9]
    assert "Parse Server, GridFS (gives the whole file)" in by_who
    assert "p99 < 10 ms: NOT MET (12); failures = 0: NOT MET (1)" in text
    assert "a process < 40 MiB: met (12.3)" in text
    assert "nginx is not installed" in text
    assert "Aims: 6 met, 3 not met, 1 not measured." in text


def cells_of(line: str) -> list[str]:
    return [each.strip() for each in line[1:-1].split("|")]


def test_the_page_names_every_row_and_everybody():
    page = PAGE.read_text()
    told = " ".join(re.findall(r"^\| ([^|]+) \|", page.partition(report.BEGIN)[0], re.MULTILINE))
    assert not [row.title for row in ROWS if row.title not in told]
    assert not [title for title in BESIDE.values() if title not in told]
    assert not [title for title in TITLES.values() if title not in told]
    assert page.count(report.BEGIN) == page.count(report.END) == 1


def test_growth_is_told_by_work_that_returns_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    def row(*works: int, returned: int = 50) -> dict[int, scale.Figures]:
        figures = (scale.Figures("200", each, returned, [0.001]) for each in works)
        return dict(zip((10_000, 100_000), figures, strict=True))

    more = {10_000: scale.Figures("200", 1_000, 100, [0.001])}
    more[100_000] = scale.Figures("200", 10_000, 1_000, [0.001])
    found = {"flat": row(5, 180), "grows": row(1_000, 10_000), "returns more": more}
    assert [round(scale.exponent(each), 2) for each in found.values()] == [0, 1, 1]
    assert scale.report(found, (10_000, 100_000)) == 1
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.endswith(" ! |")] == [
        "| `grows` | 200 | 1,000 / 1 | 10,000 / 1 | 1.00 ! |"
    ]


def test_counts_that_end_are_no_work() -> None:
    group = {"$group": {"_id": 1, "n": {"$sum": 1}}}
    asked = [
        {"command": {"pipeline": [{"$limit": 10_001}, group]}, "keysExamined": 9_000},
        {"command": {"pipeline": [group]}, "keysExamined": 7, "docsExamined": 1},
        {"command": {"pipeline": [{"$limit": 50_000}, group]}, "keysExamined": 20, "nreturned": 1},
    ]
    assert scale.work_of(asked) == (28, 1)


# Uploads


def round_of(per_second: float, *, refused: int = 0, cpu_ms: float = 100.0) -> uploads.Round:
    return uploads.Round(
        per_second=per_second,
        p50_ms=100.0,
        p95_ms=200.0,
        web_ms=cpu_ms,
        decoder_ms=0.0,
        mongod_ms=0.0,
        least=3,
        most=4,
        others={"503": refused} if refused else {},
    )


def test_uploads_are_judged_beside_the_plain_application() -> None:
    rounds = {
        uploads.AVENUE: [round_of(6, cpu_ms=50), round_of(9, refused=2, cpu_ms=50)],
        uploads.PLAIN: [round_of(3), round_of(4)],
    }
    told = uploads.markdown(["here"], 425_000, [uploads.Row(clients=16, rounds=rounds)], {})
    assert (
        "| 16 | Avenue | 7.5 | 2.12 | 100 | 200 | 50 | 0.50 | 50, 0, 0 | 3 to 4 | 2 × 503 |" in told
    )
    assert "16 clients: ≥ 2 × the plain application: met (2.12); none refused: NOT MET (2)" in told


def test_each_upload_is_another_picture_that_looks_the_same() -> None:
    picture = photograph(64, 48)
    one, other = uploads.unlike(picture), uploads.unlike(picture)
    assert len({picture, one, other}) == 3
    assert len({Image.open(io.BytesIO(each)).tobytes() for each in (picture, one, other)}) == 1


@pytest.mark.long
def test_those_who_are_installed_store_pictures(monkeypatch, capsys) -> None:
    who = ["--only", "avenue", "plain", "naive", "--clients", "2"]
    how_long = ["--rounds", "1", "--seconds", "1", "--json"]
    monkeypatch.setattr("sys.argv", ["uploads", *who, *how_long])
    uploads.main()
    (row,) = json.loads(capsys.readouterr().out)
    assert set(row["rounds"]) == {uploads.AVENUE, uploads.PLAIN, uploads.NAIVE}
    for each in row["rounds"].values():
        assert each[0]["most"] > 0
        assert not each[0]["others"]
