"""`gpuguard catalog refresh` as a process, against a price API on loopback that behaves well and badly."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.price import Price, PriceKey
from gpuguard.price.catalog import EMBEDDED, Catalog
from tests.price.sources.servers import Reply, Server, as_json
from tests.price.sources.test_aws import (
    EC2_INDEX,
    EC2_PATH,
    SAGEMAKER_INDEX,
    SAGEMAKER_PATH,
    offer,
    on_demand,
    region_index,
)

ROOT = Path(__file__).parents[2]
LIST = "/v4/linode/types"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


class Refresh:
    """One user's machine: a cache folder, the output, and how the command is called there."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.url, self.output = folder, server.url, folder / "catalog.sqlite"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PYTHONPATH": str(ROOT),
            "SOURCE_DATE_EPOCH": "1795348800",
        }

    def command(self, *more: str) -> list[str]:
        return [
            sys.executable, "-m", "gpuguard", "catalog", "refresh", "--cloud", "linode",
            "--endpoint", f"linode={self.url}", "--out", str(self.output), *more,
        ]  # fmt: skip

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*more), capture_output=True, text=True, env=self.environment, cwd=self.folder, check=False
        )
        assert "Traceback" not in done.stderr
        return done

    def start(self, *more: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self.command(*more),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment,
            cwd=self.folder,
        )

    def price(self, sku: str) -> Decimal:
        with Catalog.open(self.output) as catalog:
            assert catalog.problems() == []
            answer = catalog.price(PriceKey("linode", "machine", sku, "us-ord"))
            assert isinstance(answer, Price)
            return answer.amount

    def leftovers(self) -> list[str]:
        return [path.name for path in self.folder.rglob("*.tmp")]


@pytest.fixture
def user(tmp_path: Path, server: Server) -> Refresh:
    return Refresh(tmp_path, server)


def types(factor: str = "1", without: str = "", **changes: Any) -> list[dict[str, Any]]:
    """The list of GPU plans as the API gives it, made of what the embedded catalog knows of them."""
    listed = []
    with Catalog.open() as catalog:
        for machine in catalog.accelerated_types("linode"):
            price = catalog.price(PriceKey("linode", "machine", machine.sku, "us-ord"))
            if isinstance(price, Price) and machine.sku != without:
                listed.append(
                    {
                        "id": machine.sku,
                        "label": machine.sku,
                        "class": "gpu",
                        "gpus": int(machine.gpu_count),
                        "vcpus": int(machine.vcpus or 1),
                        "memory": int((machine.memory_gib or 1) * 1024),
                        "disk": 512000,
                        "price": {"hourly": float(price.amount * Decimal(factor)), "monthly": None},
                        "region_prices": [],
                        "successor": None,
                        **changes,
                    }
                )
    return listed


def page(data: list[dict[str, Any]]) -> Reply:
    return as_json({"data": data, "page": 1, "pages": 1, "results": len(data)})


def first() -> tuple[str, Decimal]:
    """A plan and its price in the embedded catalog."""
    with Catalog.open() as catalog:
        sku = types()[0]["id"]
        answer = catalog.price(PriceKey("linode", "machine", sku, "us-ord"))
        assert isinstance(answer, Price)
        return sku, answer.amount


def test_a_refresh_writes_a_catalog_that_the_other_commands_use(user: Refresh, server: Server) -> None:
    server.on(LIST, page(types("1.1")))
    done = user.run()
    assert done.returncode == 0, done.stderr
    sku, old = first()
    assert user.price(sku) == old * Decimal("1.1")
    assert "dearer" in done.stdout
    assert f"use it with --catalog {user.output}" in done.stdout
    assert done.stderr == f"linode/types: {len(types())} prices\n"
    gpuguard = [sys.executable, "-m", "gpuguard"]
    environment = user.environment
    shown = subprocess.run(
        [*gpuguard, "catalog", "diff", "embedded", str(user.output)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert sku in shown.stdout
    info = subprocess.run(
        [*gpuguard, "catalog", "info", "--catalog", str(user.output)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert "refreshed from price APIs; began with" in info.stdout
    checked = subprocess.run(
        [*gpuguard, "check", str(ROOT / "fixtures" / "demo" / "plan.json"), "--catalog", str(user.output), "--format", "json"],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    with Catalog.open(user.output) as catalog:
        assert catalog.version in checked.stdout


def test_without_out_the_catalog_lies_in_the_cache_and_nothing_uses_it_unasked(user: Refresh, server: Server) -> None:
    server.on(LIST, page(types("1.1")))
    command = [word for word in user.command() if word not in ("--out", str(user.output))]
    done = subprocess.run(command, capture_output=True, text=True, env=user.environment, cwd=user.folder, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = (user.folder / "cache").rglob("catalog.sqlite")
    assert str(made) in done.stdout
    info = subprocess.run(
        [sys.executable, "-m", "gpuguard", "catalog", "info"],
        capture_output=True,
        text=True,
        env=user.environment,
        check=True,
    )
    assert "refreshed" not in info.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_the_progress_is_drawn_and_the_parts_are_told(user: Refresh, server: Server) -> None:
    """The source asks for a list of its files first: bytes come before there is a part to draw."""
    import pty

    server.on(EC2_INDEX, region_index(EC2_PATH, "us-east-1"))
    server.on(SAGEMAKER_INDEX, region_index(SAGEMAKER_PATH, "eu-west-1"))
    server.on(EC2_PATH.format("us-east-1") + ".csv", Reply(b"".join(_offer_file(3))))
    command = [word.replace("linode", "aws-ec2") for word in user.command() if word not in ("--cloud", "linode")]
    more = ["--cloud", "aws", "--region", "us-east-1", "--only", "on_demand", "--accept"]
    more += ["--endpoint", f"aws-sagemaker={server.url}"]
    ours, theirs = pty.openpty()
    environment = {**user.environment, "TERM": "xterm-256color"}
    process = subprocess.Popen([*command, *more], stdout=theirs, stderr=theirs, env=environment, cwd=user.folder)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed (Linux)
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait() == 0, shown.decode(errors="replace")
    assert b"aws-ec2/us-east-1" in shown
    assert b"\x1b[" in shown


@pytest.mark.parametrize(
    "stumble",
    [
        pytest.param(Reply(b"slow down", status=429, headers={"Retry-After": "0"}), id="too many requests"),
        pytest.param(Reply(b"oops", status=503, headers={"Retry-After": "0"}), id="an error of the server"),
        pytest.param(Reply(b'{"data": [', told=900, framing="close"), id="a body cut short"),
        pytest.param(Reply(reset=True), id="a connection that breaks"),
    ],
)
def test_a_stumble_of_the_api_is_no_failure(user: Refresh, server: Server, stumble: Reply) -> None:
    server.on(LIST, stumble, page(types("1.1")))
    done = user.run()
    assert done.returncode == 0, done.stderr
    assert len(server.asked(LIST)) == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(Reply(b"no", status=403), "403", id="a refusal"),
        pytest.param(as_json({"data": [{"id": 7}], "page": 1, "pages": 1, "results": 1}), "data", id="another schema"),
        pytest.param(Reply(b"<html>maintenance</html>"), "JSON", id="no JSON at all"),
        pytest.param(as_json([]), "object", id="a list for an object"),
    ],
)
def test_a_failure_of_the_api_leaves_the_old_catalog_as_it_was(
    user: Refresh, server: Server, answer: Reply, says: str
) -> None:
    server.on(LIST, page(types("1.1")))
    assert user.run().returncode == 0
    before = user.output.read_bytes()
    server.on(LIST, answer)
    done = user.run()
    assert done.returncode == 4
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
    assert "hint: " in done.stderr
    assert user.output.read_bytes() == before
    assert user.leftovers() == []


def test_an_implausible_outcome_is_refused_with_the_differences_until_it_is_accepted(
    user: Refresh, server: Server
) -> None:
    sku, _ = first()
    server.on(LIST, page(types(without=sku)))
    done = user.run()
    assert done.returncode == 4
    assert sku in done.stdout
    assert "its list price is gone" in done.stdout
    assert "--accept" in done.stderr
    assert not user.output.exists()
    accepted = user.run("--accept")
    assert accepted.returncode == 0, accepted.stderr
    assert len(server.asked(LIST)) == 1
    with Catalog.open(user.output) as catalog:
        assert not isinstance(catalog.price(PriceKey("linode", "machine", sku, "us-ord")), Price)


def test_two_refreshes_do_not_run_at_once(user: Refresh, server: Server) -> None:
    server.on(LIST, Reply(b"{}", delay=20))
    running = user.start()
    try:
        _until(lambda: bool(server.asked(LIST)))
        done = user.run()
        assert done.returncode == 2
        assert "another refresh is running" in done.stderr
    finally:
        running.kill()
        running.wait()


def test_a_refresh_that_is_killed_leaves_the_old_catalog_and_the_next_one_succeeds(
    user: Refresh, server: Server
) -> None:
    """Killed while it waits for the API, then at many moments of the work that follows."""
    server.on(LIST, page(types("1.1")))
    assert user.run().returncode == 0
    before = user.price(first()[0])
    server.on(LIST, Reply(b"{}", delay=20))
    waiting = user.start()
    _until(lambda: len(server.asked(LIST)) == 2)
    os.kill(waiting.pid, signal.SIGKILL)
    waiting.wait()
    assert user.price(first()[0]) == before

    asked = len(server.asked(LIST))

    server.on(LIST, page(types("1.2")))
    after = first()[1] * Decimal("1.2")
    for moment in range(12):
        process = user.start("--restart")
        _until(lambda: len(server.asked(LIST)) > asked or process.poll() is not None)  # noqa: B023 - called at once
        asked = len(server.asked(LIST))
        time.sleep(moment * 0.06)
        process.kill()
        process.wait()
        assert user.price(first()[0]) in (before, after)
    done = user.run()
    assert done.returncode == 0, done.stderr
    assert user.price(first()[0]) == after
    assert user.leftovers() == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param(("--cloud", "moon"), "expected one of", id="an unknown cloud"),
        pytest.param(("--only", "ondemand"), "expected one of", id="an unknown purchase model"),
        pytest.param(("--endpoint", "linode"), "SOURCE=URL", id="an endpoint without address"),
        pytest.param(("--endpoint", "moon=https://example.com"), "SOURCE=URL", id="an endpoint of nothing"),
        pytest.param(("--endpoint", "linode=file:///etc/passwd"), "SOURCE=URL", id="an endpoint that is a file"),
        pytest.param(("--config", "nowhere.yml"), "cannot be read", id="a configuration that is not there"),
    ],
)
def test_a_wrong_wish_is_one_error_before_anything_is_asked(
    user: Refresh, server: Server, more: tuple[str, ...], says: str
) -> None:
    done = user.run(*more)
    assert done.returncode == 2
    assert says in done.stderr
    assert server.requests == []


def test_a_place_that_cannot_be_written_is_one_error(user: Refresh, server: Server) -> None:
    server.on(LIST, page(types("1.1")))
    (user.folder / "file").write_text("")
    user.output = user.folder / "file" / "catalog.sqlite"
    done = user.run()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2].startswith("error: ")


def _until(met: Any) -> None:
    for _ in range(400):
        if met():
            return
        time.sleep(0.05)
    raise AssertionError("it never happened")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to set")
def test_a_disk_that_is_full_is_one_error_and_what_was_read_is_kept(user: Refresh, server: Server) -> None:
    server.on(LIST, page(types("1.1")))
    limited = ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", *user.command()]
    done = subprocess.run(limited, capture_output=True, text=True, env=user.environment, cwd=user.folder, check=False)
    assert done.returncode == 2
    assert f"{user.output}: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert not user.output.exists()
    assert user.run().returncode == 0
    assert len(server.asked(LIST)) == 1


def test_a_refresh_for_other_wishes_leaves_an_interrupted_one_as_it_is(user: Refresh, server: Server) -> None:
    """The first is refused and waits for `--accept`; the second is another one."""
    server.on(LIST, page(types(without=first()[0])))
    assert user.run().returncode == 4
    server.on(LIST, page(types("1.1")))
    assert user.run("--only", "on_demand").returncode == 0
    asked = len(server.asked(LIST))
    assert user.run("--accept").returncode == 0
    assert len(server.asked(LIST)) == asked


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(("--only", "capacity-block"), id="a purchase model that it does not have"),
        pytest.param(("--region", "mars-*", "--only", "spot"), id="regions and ways that it does not have"),
    ],
)
def test_a_refresh_that_would_ask_nothing_is_an_error(user: Refresh, server: Server, more: tuple[str, ...]) -> None:
    done = user.run(*more)
    assert done.returncode == 2
    assert "no price API has anything of what is asked for" in done.stderr
    assert not user.output.exists()


# --- a catalog that an organisation hosts ---


@pytest.fixture
def hosted(user: Refresh, server: Server) -> Path:
    """A repository whose configuration pins the embedded catalog, served on loopback."""
    body = EMBEDDED.read_bytes()
    url = server.on("/prices/catalog.sqlite", Reply(body))
    repository = user.folder / "repository"
    (repository / ".git").mkdir(parents=True)
    _pin(repository, url, hashlib.sha256(body).hexdigest())
    (repository / "plan.json").write_bytes((ROOT / "fixtures" / "demo" / "plan.json").read_bytes())
    return repository


def _pin(repository: Path, url: str, digest: str) -> None:
    (repository / "gpuguard.yml").write_text(f"version: 1\ncatalog:\n  url: {url}\n  sha256: {digest}\n")


def _gpuguard(user: Refresh, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "gpuguard", *arguments],
        capture_output=True,
        text=True,
        env=user.environment,
        cwd=folder,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_a_pinned_catalog_is_fetched_once_and_read_ever_after(user: Refresh, server: Server, hosted: Path) -> None:
    before = _gpuguard(user, hosted, "check", "plan.json")
    assert before.returncode == 2
    assert "has not been fetched" in before.stderr
    assert "gpuguard catalog refresh" in before.stderr
    assert server.requests == []
    fetched = _gpuguard(user, hosted, "catalog", "refresh")
    assert fetched.returncode == 0, fetched.stderr
    assert "fetched and verified" in fetched.stdout
    asked = len(server.requests)
    assert _gpuguard(user, hosted, "check", "plan.json").returncode == 0
    assert _gpuguard(user, hosted, "catalog", "info").returncode == 0
    assert len(server.requests) == asked


def test_a_hosted_file_with_another_checksum_is_refused(user: Refresh, server: Server, hosted: Path) -> None:
    _pin(hosted, server.url + "/prices/catalog.sqlite", "0" * 64)
    done = _gpuguard(user, hosted, "catalog", "refresh")
    assert done.returncode == 4
    assert "the configuration pins" in done.stderr
    assert [path for path in user.folder.rglob("*.sqlite") if path.parent.name == "pinned"] == []
    assert user.leftovers() == []


def test_a_hosted_file_that_is_no_catalog_is_refused_although_its_checksum_is_pinned(
    user: Refresh, server: Server, hosted: Path
) -> None:
    body = b"<html>not found</html>"
    _pin(hosted, server.on("/other", Reply(body)), hashlib.sha256(body).hexdigest())
    done = _gpuguard(user, hosted, "catalog", "refresh")
    assert done.returncode == 2
    assert "is not a price catalog" in done.stderr
    assert user.leftovers() == []


def test_a_fetched_file_that_was_changed_is_refused(user: Refresh, hosted: Path) -> None:
    assert _gpuguard(user, hosted, "catalog", "refresh").returncode == 0
    (kept,) = [path for path in user.folder.rglob("*.sqlite") if path.parent.name == "pinned"]
    kept.write_bytes(kept.read_bytes()[:-1] + b"\x01")
    done = _gpuguard(user, hosted, "check", "plan.json")
    assert done.returncode == 2
    assert "its checksum is another" in done.stderr


def test_price_apis_can_be_asked_although_a_catalog_is_pinned(user: Refresh, server: Server, hosted: Path) -> None:
    server.on(LIST, page(types("1.1")))
    done = subprocess.run(user.command(), capture_output=True, text=True, env=user.environment, cwd=hosted, check=False)
    assert done.returncode == 0, done.stderr
    assert user.output.exists()


# --- an offer file that is larger than memory should ever be ---


_MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, used = os.wait4(process.pid, 0)
print(used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
# A child's peak begins with the memory of its parent: it is started by a small one, not by the tests.


def _offer_file(megabytes: int) -> Iterator[bytes]:
    """An EC2 offer file as AWS makes it: what the catalog knows of us-east-1, between rows of machines without GPU."""
    with Catalog.open() as catalog:
        listed = [
            on_demand(price.key.sku, f"{price.amount:f}")
            for price in catalog.all_prices(("aws",), ("machine",), ("on_demand",))
            if price.key.region == "us-east-1" and price.key.os == "linux"
        ]
    plain = [on_demand("m5.large", "0.0960000000", **{"GPU": "", "Instance Family": "General purpose"})] * 500
    head, filler = offer([*listed]), offer(plain).split(b"\n", 6)[6]
    yield head
    sent = len(head)
    while sent < megabytes * 1_000_000:
        yield filler
        sent += len(filler)
    yield offer([on_demand("g5.xlarge", "1.0570000000", SKU="LASTROWOFALL0000")]).split(b"\n", 6)[6]


def test_an_offer_file_of_600_megabytes_is_read_in_less_than_300(user: Refresh, server: Server) -> None:
    """Broken off once on the way; the last row of the file is in the catalog."""
    path = EC2_PATH.format("us-east-1") + ".csv"
    server.on(EC2_INDEX, region_index(EC2_PATH, "us-east-1"))
    server.on(SAGEMAKER_INDEX, region_index(SAGEMAKER_PATH, "eu-west-1"))
    server.on(
        path,
        Reply(_offer_file(600), framing="chunked", cut=100_000_000, headers={"ETag": '"v1"'}),
        Reply(_offer_file(600), framing="chunked", headers={"ETag": '"v1"'}),
    )
    command = [
        sys.executable, "-m", "gpuguard", "catalog", "refresh", "--cloud", "aws", "--region", "us-east-1",
        "--only", "on_demand", "--out", str(user.output), "--accept",
        *(f"--endpoint={name}={server.url}" for name in ("aws-ec2", "aws-sagemaker")),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command],
        env=user.environment,
        cwd=user.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 dearer" in done.stdout
    # Linux tells kibibytes, macOS bytes (getrusage(2))
    peak = int(done.stderr.splitlines()[-1]) * (1 if sys.platform == "darwin" else 1024)
    assert peak < 300 * 1024 * 1024, f"{peak / 1e6:.0f} MB"
    with Catalog.open(user.output) as catalog:
        answer = catalog.price(PriceKey("aws", "machine", "g5.xlarge", "us-east-1"))
    assert isinstance(answer, Price)
    assert answer.amount == Decimal("1.057")
