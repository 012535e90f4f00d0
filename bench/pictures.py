"""Four variants of a photograph, beside plain Pillow, libvips and sharp: `make bench-pictures`.

Every maker runs in a process of its own that stays up; rounds alternate between them, so that a
noisy machine is noisy for all, and ratios are medians of the ratios of one round. SSIM is measured
against the whole picture decoded and shrunk by Lanczos, of luma, over blocks of 8 by 8 pixels; it
has the loss of the encoder in it. Memory is what came on top of what the process had. Who is not
installed is skipped with a word: libvips by `--vips-python` (a Python with `pyvips[binary]`), sharp
by `--node-modules` (a folder with it).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageMath, ImageOps

from bench.photograph import photograph
from bench.picture_makers import MAKERS, ROWS

HERE = Path(__file__).parent
SIZES = {"12 megapixels": (4000, 3000), "1600 x 1200": (1600, 1200)}


@dataclass(slots=True)
class Maker:
    """A running maker, and what it took in each round."""

    name: str
    process: subprocess.Popen[str]
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)

    def run(self, file: Path, folder: Path) -> dict:
        """Make the variants of `file` into `folder`; return seconds and bytes of memory."""
        (folder / self.name).mkdir(exist_ok=True)
        before = _reset_peak(self.process.pid)
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{file}\t{folder / self.name}\n")
        self.process.stdin.flush()
        took = json.loads(self.process.stdout.readline())
        return {**took, "peak": _status(self.process.pid, "VmHWM") - before}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--vips-python", default=sys.executable)
    parser.add_argument("--node-modules", type=Path, default=HERE.parent / "node_modules")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results: dict[str, dict] = {}
    for title, size in SIZES.items():
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            file = folder / "photograph.jpg"
            file.write_bytes(photograph(*size))
            makers = [
                maker
                for each in _commands(options)
                if (maker := stack.enter_context(_maker(*each)))
            ]
            results[title] = _compare(makers, file, folder, options.rounds)
    print(json.dumps(results, indent=2) if options.json else _table(results))


def _commands(options: argparse.Namespace) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    script = str(HERE / "picture_makers.py")
    for name in MAKERS:
        python = options.vips_python if name.startswith("vips") else sys.executable
        yield name, [python, script, name], {"PYTHONPATH": str(HERE.parent)}
    node_path = str(options.node_modules.resolve())
    yield "sharp", ["node", str(HERE / "picture_maker.cjs")], {"NODE_PATH": node_path}


@contextmanager
def _maker(name: str, command: list[str], environ: dict[str, str]) -> Iterator[Maker | None]:
    """Start a maker; yield None when it cannot be had here."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
        )
    except FileNotFoundError as error:
        print(f"{name} is skipped: {error}", file=sys.stderr)
        yield None
        return
    with process:
        assert process.stdout
        said = process.stdout.readline().strip()
        if said != "ready":
            print(f"{name} is skipped: {said}", file=sys.stderr)
            yield None
            return
        yield Maker(name, process)
        assert process.stdin
        process.stdin.close()


def _compare(makers: list[Maker], file: Path, folder: Path, rounds: int) -> dict:
    for maker in makers:
        maker.run(file, folder)  # what is loaded at the first picture is not of interest
    for _ in range(rounds):
        for maker in makers:
            took = maker.run(file, folder)
            maker.walls.append(took["wall"])
            maker.cpus.append(took["cpu"])
            maker.peaks.append(took["peak"])
    plain = next(maker for maker in makers if maker.name == "pillow")
    originals = _references(file)
    rows = {}
    for maker in makers:
        files = {name: folder / maker.name / f"{name}.webp" for name in ROWS}
        rows[maker.name] = {
            "wall_ms": round(1000 * statistics.median(maker.walls), 1),
            "cpu_ms": round(1000 * statistics.median(maker.cpus), 1),
            "peak_mb": round(statistics.median(maker.peaks) / 1024 / 1024, 1),
            "times_faster_than_pillow_wall": _ratio(plain.walls, maker.walls),
            "times_faster_than_pillow_cpu": _ratio(plain.cpus, maker.cpus),
            "kilobytes": round(sum(each.stat().st_size for each in files.values()) / 1000, 1),
            "ssim": {name: ssim(originals[name], Image.open(files[name])) for name in ROWS},
        }
    return rows


def _ratio(theirs: list[float], ours: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(theirs, ours, strict=True)), 2)


def _references(file: Path) -> dict[str, Image.Image]:
    """Return what the variants should look like."""
    whole = Image.open(file).convert("RGB")
    found = {}
    for name, (width, height) in ROWS.items():
        size = (width, height or round(whole.height * width / whole.width))
        found[name] = ImageOps.fit(whole, size, Image.Resampling.LANCZOS)
    return found


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Return the structural similarity of two pictures: 1 when they are the same."""
    x, y = (image.convert("L").convert("F") for image in (one, other))
    found = [_ssim_of_blocks(x, y, offset) for offset in (0, 4)]
    return round(sum(found) / len(found), 4)


def _ssim_of_blocks(x: Image.Image, y: Image.Image, offset: int) -> float:
    """Compare means and variances of all blocks of 8 by 8 pixels from `offset` on."""
    box = (offset, offset, *(offset + (side - offset) // 8 * 8 for side in x.size))
    x, y = x.crop(box), y.crop(box)

    def means(of: str) -> Image.Image:
        product = ImageMath.lambda_eval(lambda k: k[of[0]] * k[of[1]], x=x, y=y)
        return product.reduce(8)

    values = ImageMath.lambda_eval(
        _ssim_formula, x=x.reduce(8), y=y.reduce(8), xx=means("xx"), yy=means("yy"), xy=means("xy")
    ).get_flattened_data()
    return sum(values) / len(values)


def _ssim_formula(k: dict) -> object:
    mean_x, mean_y = k["x"], k["y"]
    both = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    likeness = (both * 2 + 6.5025) * ((k["xy"] - both) * 2 + 58.5225)
    return likeness / ((squares + 6.5025) * (k["xx"] + k["yy"] - squares + 58.5225))


def _reset_peak(pid: int) -> int:
    """Forget the most memory a process has had; return what it has now, bytes."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    return _status(pid, "VmRSS")


def _status(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def _table(results: dict[str, dict]) -> str:
    lines = [f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end"]
    for title, rows in results.items():
        lines += [
            "",
            f"{title:14}{'wall ms':>9}{'x':>6}{'cpu ms':>9}{'x':>6}{'MB':>7}{'KB':>7}"
            f"   SSIM of {', '.join(ROWS)}",
        ]
        for name, row in rows.items():
            lines.append(
                f"{name:14}{row['wall_ms']:>9.0f}{row['times_faster_than_pillow_wall']:>6.2f}"
                f"{row['cpu_ms']:>9.0f}{row['times_faster_than_pillow_cpu']:>6.2f}"
                f"{row['peak_mb']:>7.0f}{row['kilobytes']:>7.0f}"
                f"   {'  '.join(f'{each:.4f}' for each in row['ssim'].values())}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
