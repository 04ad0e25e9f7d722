"""DescribeSpotPriceHistory against a real server that answers in the documented form of the EC2 Query API."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import util
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.loaders  # type: ignore[import-untyped]
import pytest

from gpuguard.errors import ServiceError
from gpuguard.price.sources import aws_spot
from gpuguard.price.sources.base import Context, FetchedPrice, Found, Part, Scope, Wanted
from gpuguard.price.sources.http import Http
from tests.price.sources.known import Known

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
KEY, SECRET, TOKEN = "AKIAEXAMPLEEXAMPLE12", "example-secret-access-key-0123456789abcd", "example-session-token"
KEYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}


@dataclass(frozen=True)
class Asked:
    """One request: the region is the first part of the path."""

    region: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def action(self) -> str:
        return self.parameters["Action"]


@dataclass(frozen=True)
class Said:
    body: str
    status: int = 200


@dataclass
class Ec2:
    """Answers the two actions by function; `asked` holds every request. A context manager that ends its threads."""

    regions: Callable[[Asked], Said]
    history: Callable[[Asked], Said]
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}/{{region}}"

    def __enter__(self) -> "Ec2":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def of(self, action: str) -> list[Asked]:
        return [each for each in self.asked if each.action == action]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ec2 = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                asked = Asked(
                    self.path.strip("/"),
                    dict(parse_qsl(body, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                )
                ec2.asked.append(asked)
                said = (ec2.regions if asked.action == "DescribeRegions" else ec2.history)(asked)
                self.send_response(said.status)
                self.send_header("Content-Type", "text/xml;charset=UTF-8")
                self.send_header("Content-Length", str(len(said.body.encode())))
                self.end_headers()
                self.wfile.write(said.body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def regions(*names: str, off: tuple[str, ...] = ()) -> Said:
    """The answer of DescribeRegions."""
    statuses = [(name, "opt-in-not-required") for name in names] + [(name, "not-opted-in") for name in off]
    items = "".join(
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>"
        f"<optInStatus>{status}</optInStatus></item>"
        for name, status in statuses
    )
    return Said(
        f'<?xml version="1.0" encoding="UTF-8"?><DescribeRegionsResponse xmlns="{NAMESPACE}">'
        f"<requestId>59dbff89-35bd-4eac-99ed-be587example</requestId><regionInfo>{items}</regionInfo>"
        "</DescribeRegionsResponse>"
    )


def row(
    zone: str = "us-east-1a",
    usd: str = "0.431200",
    type: str = "g5.xlarge",
    product: str = "Linux/UNIX",
    time: str = "2026-11-20T12:15:00.000Z",
) -> str:
    """One price as DescribeSpotPriceHistory lists it."""
    return (
        f"<item><instanceType>{type}</instanceType><productDescription>{escape(product)}</productDescription>"
        f"<spotPrice>{usd}</spotPrice><timestamp>{time}</timestamp><availabilityZone>{zone}</availabilityZone>"
        "<availabilityZoneId>use1-az1</availabilityZoneId></item>"
    )


def history(*rows: str, more: str = "") -> Said:
    """The answer of DescribeSpotPriceHistory."""
    return Said(
        f'<?xml version="1.0" encoding="UTF-8"?><DescribeSpotPriceHistoryResponse xmlns="{NAMESPACE}">'
        "<requestId>59dbff89-35bd-4eac-99ed-be587example</requestId>"
        f"<spotPriceHistorySet>{''.join(rows)}</spotPriceHistorySet><nextToken>{more}</nextToken>"
        "</DescribeSpotPriceHistoryResponse>"
    )


def refusal(code: str, status: int, message: str = "You are not authorized to perform this operation.") -> Said:
    """An error of the EC2 Query API."""
    return Said(
        f'<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>{code}</Code>'
        f"<Message>{message}</Message></Error></Errors>"
        "<RequestID>59dbff89-35bd-4eac-99ed-be587example</RequestID></Response>",
        status,
    )


LOADER = botocore.loaders.create_loader()
"""Reads the descriptions of the AWS services once for all tests."""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any AWS configuration, whose retries do not wait."""
    monkeypatch.setattr("botocore.loaders.create_loader", lambda paths=None: LOADER)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(timeout=5, attempts=3) as http:
        yield http


def context(
    ec2: Ec2 | None,
    http: Http,
    *,
    environment: Mapping[str, str] = KEYS,
    wanted: Wanted | None = None,
    endpoint: str = "",
) -> Context:
    return Context(
        http=http,
        endpoint=endpoint or (ec2.endpoint if ec2 else aws_spot.ENDPOINT),
        wanted=wanted or Wanted(),
        known=Known(),
        environment=environment,
        today="2026-11-20",
    )


def parts(ec2: Ec2, http: Http, **more: object) -> list[Part]:
    return list(aws_spot.SOURCE.parts(context(ec2, http, **more)))  # type: ignore[arg-type] # of context


def read(http: Http, *pages: Said, region: str = "us-east-1") -> Found:
    """What the part of one region says."""
    answers = list(pages)
    with Ec2(lambda _: regions(region), lambda _: answers.pop(0) if len(answers) > 1 else answers[0]) as ec2:
        (part,) = parts(ec2, http)
        return part.read(context(ec2, http), None)


# --- prices ---


def test_the_price_is_the_mean_over_zones_with_their_range(http: Http) -> None:
    found = read(
        http,
        history(
            row("us-east-1a", "0.284000"),
            row("us-east-1b", "0.284600"),
            row("us-east-1d", "0.285300"),
            row("us-east-1f", "0.285"),
        ),
    )
    assert found.prices == (
        FetchedPrice(
            "machine",
            "g5.xlarge",
            "us-east-1",
            "hour",
            Decimal("0.284725"),
            purchase_model="spot",
            low=Decimal("0.284"),
            high=Decimal("0.2853"),
            note="mean of 4 zones",
        ),
    )
    assert found.as_of == "2026-11-20"
    assert found.title == "Amazon EC2 DescribeSpotPriceHistory, us-east-1"
    assert found.notes == ()
    assert found.validators is None


def test_a_mean_without_end_is_rounded_to_six_places_within_its_range(http: Http) -> None:
    found = read(http, history(row("us-east-1a", "0.1"), row("us-east-1b", "0.1"), row("us-east-1c", "0.2")))
    (price,) = found.prices
    assert (price.usd, price.low, price.high) == (Decimal("0.133333"), Decimal("0.1"), Decimal("0.2"))


def test_a_mean_of_longer_prices_never_leaves_their_range(http: Http) -> None:
    found = read(http, history(row("us-east-1a", "0.1234567"), row("us-east-1b", "0.1234567")))
    (price,) = found.prices
    assert price.usd == price.low == price.high == Decimal("0.1234567")


def test_one_zone_has_a_price_and_no_range(http: Http) -> None:
    (price,) = read(http, history(row(usd="20.000000"))).prices
    assert (f"{price.usd:f}", price.low, price.high, price.note) == ("20", None, None, "")


def test_the_latest_price_of_a_zone_counts_in_whatever_order_they_come(http: Http) -> None:
    found = read(
        http,
        history(
            row(usd="0.2", time="2026-11-20T12:00:00.000Z"),
            row(usd="0.9", time="2026-11-20T12:20:00.000Z"),
            row(usd="0.4", time="2026-11-19T23:59:59.000Z"),
        ),
    )
    assert [price.usd for price in found.prices] == [Decimal("0.9")]


def test_products_become_operating_systems(http: Http) -> None:
    names = ("Linux/UNIX", "Windows", "Red Hat Enterprise Linux (Amazon VPC)", "SUSE Linux (Amazon VPC)")
    found = read(http, history(*(row(product=name) for name in names)))
    assert sorted(price.os for price in found.prices) == ["linux", "rhel", "sles", "windows"]
    assert found.notes == ()


def test_an_unknown_product_is_noted_once(http: Http) -> None:
    found = read(http, history(row(), row(product="Plan 9"), row("us-east-1b", product="Plan 9")))
    assert [price.os for price in found.prices] == ["linux"]
    assert found.notes == ("the product Plan 9 is not known and left out",)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(row(usd="9", type="m5.large"), id="a machine without accelerators"),
        pytest.param(row("us-east-1-bos-1a", "9"), id="a Local Zone"),
        pytest.param(row("us-east-1-wl1-bos-wlz-1", "9"), id="a Wavelength Zone"),
        pytest.param(row("us-east-2a", "9"), id="a zone of another region"),
    ],
)
def test_other_rows_are_passed_over_without_a_word(http: Http, other: str) -> None:
    found = read(http, history(other, row(usd="0.5")))
    assert [(price.sku, price.usd, price.high) for price in found.prices] == [("g5.xlarge", Decimal("0.5"), None)]
    assert found.notes == ()


def test_all_pages_are_read(http: Http) -> None:
    asked = {
        "": history(row("us-east-1a", "0.1"), more="second"),
        "second": history(row("us-east-1b", "0.2"), more="third"),
        "third": history(row("us-east-1c", "0.3"), row(type="p5.48xlarge", usd="20.5")),
    }
    with Ec2(lambda _: regions("us-east-1"), lambda each: asked[each.parameters.get("NextToken", "")]) as ec2:
        (part,) = parts(ec2, http)
        found = part.read(context(ec2, http), None)
    assert [(price.sku, price.usd, price.low, price.high) for price in found.prices] == [
        ("g5.xlarge", Decimal("0.2"), Decimal("0.1"), Decimal("0.3")),
        ("p5.48xlarge", Decimal("20.5"), None, None),
    ]
    assert len(ec2.of("DescribeSpotPriceHistory")) == 3


def test_what_is_asked_for_is_the_present_price_of_accelerated_machines(http: Http) -> None:
    before = datetime.now(UTC)
    with Ec2(lambda _: regions("us-east-1"), lambda _: history(row())) as ec2:
        (part,) = parts(ec2, http)
        part.read(context(ec2, http), None)
    (asked,) = ec2.of("DescribeSpotPriceHistory")
    start = datetime.fromisoformat(asked.parameters["StartTime"].replace("Z", "+00:00"))
    assert before - timedelta(minutes=11) <= start <= before
    assert "EndTime" not in asked.parameters
    assert asked.parameters["Filter.1.Name"] == "instance-type"
    values = {value for name, value in asked.parameters.items() if name.startswith("Filter.1.Value.")}
    assert values == {"g*", "p*", "trn*", "inf*", "dl*"}
    products = {value for name, value in asked.parameters.items() if name.startswith("ProductDescription.")}
    assert products == {"Linux/UNIX", "Windows", "Red Hat Enterprise Linux", "SUSE Linux"}
    assert asked.parameters["MaxResults"] == "1000"
    assert asked.region == "us-east-1"
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")


# --- regions and parts ---


def test_every_enabled_region_is_a_part_and_the_others_are_noted_once(http: Http) -> None:
    listed = regions("us-west-2", "us-east-1", "cn-north-1", off=("af-south-1", "ap-east-2"))
    with Ec2(lambda _: listed, lambda asked: history(row(f"{asked.region}a"))) as ec2:
        found = {part.name: part.read(context(ec2, http), None) for part in parts(ec2, http)}
    assert list(found) == ["aws-spot/us-east-1", "aws-spot/us-west-2"]
    assert [each.prices[0].region for each in found.values()] == ["us-east-1", "us-west-2"]
    assert found["aws-spot/us-east-1"].notes == (
        "regions not enabled for the AWS account, their prices stay as they are: af-south-1, ap-east-2",
    )
    assert found["aws-spot/us-west-2"].notes == ()
    assert {asked.region for asked in ec2.of("DescribeSpotPriceHistory")} == {"us-east-1", "us-west-2"}


def test_a_part_replaces_the_spot_prices_of_its_region_alone(http: Http) -> None:
    with Ec2(lambda _: regions("us-east-1"), lambda _: history()) as ec2:
        (part,) = parts(ec2, http)
    assert part.scopes == (Scope("aws", "machine", "spot", ("us-east-1",)),)


def test_only_wanted_regions_are_asked(http: Http) -> None:
    listed = regions("us-east-1", "eu-west-1", "eu-central-1", off=("af-south-1",))
    with Ec2(lambda _: listed, lambda asked: history(row(f"{asked.region}a"))) as ec2:
        wanted = Wanted(regions=("eu-*",))
        found = [part.read(context(ec2, http), None) for part in parts(ec2, http, wanted=wanted)]
    assert [each.prices[0].region for each in found] == ["eu-central-1", "eu-west-1"]
    assert [each.notes for each in found] == [(), ()]


@pytest.mark.parametrize("region", ["westeurope", "cn-*"], ids=["of another cloud", "of China, priced in CNY"])
def test_regions_that_are_not_listed_are_no_parts(http: Http, region: str) -> None:
    with Ec2(lambda _: regions("us-east-1", "cn-north-1"), lambda _: history()) as ec2:
        assert parts(ec2, http, wanted=Wanted(regions=(region,))) == []


def test_a_wanted_region_that_is_not_enabled_is_an_error_when_it_is_the_only_one(http: Http) -> None:
    with (
        Ec2(lambda _: regions("us-east-1", off=("af-south-1",)), lambda _: history()) as ec2,
        pytest.raises(ServiceError, match="no region asked for is enabled for the AWS account: af-south-1"),
    ):
        parts(ec2, http, wanted=Wanted(regions=("af-*",)))


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_first_question_goes_to_the_region_of_the_environment(http: Http, name: str) -> None:
    with Ec2(lambda _: regions("us-gov-west-1"), lambda _: history()) as ec2:
        parts(ec2, http, environment={**KEYS, name: "us-gov-west-1"})
    assert [asked.region for asked in ec2.asked] == ["us-gov-west-1"]


def test_nothing_is_asked_when_spot_is_not_wanted(http: Http) -> None:
    with Ec2(lambda _: regions("us-east-1"), lambda _: history()) as ec2:
        assert parts(ec2, http, wanted=Wanted(purchase_models=("on_demand",)), environment={}) == []
    assert ec2.asked == []


# --- failures ---


def test_a_throttled_request_is_made_again(http: Http) -> None:
    limited = refusal("RequestLimitExceeded", 503, "Request limit exceeded.")
    found = read(http, limited, limited, history(row(usd="0.5")))
    assert [price.usd for price in found.prices] == [Decimal("0.5")]


def test_a_failure_of_the_server_is_forgiven(http: Http) -> None:
    found = read(http, refusal("InternalError", 500), refusal("Unavailable", 503), history(row(usd="0.5")))
    assert [price.usd for price in found.prices] == [Decimal("0.5")]


@pytest.mark.parametrize(
    ("answer", "said", "hint"),
    [
        pytest.param(
            refusal("RequestLimitExceeded", 503),
            "AWS answers RequestLimitExceeded",
            "how often",
            id="throttled for ever",
        ),
        pytest.param(
            refusal("UnauthorizedOperation", 403),
            "AWS answers UnauthorizedOperation",
            "ec2:DescribeSpotPriceHistory",
            id="no permission",
        ),
        pytest.param(refusal("AuthFailure", 401), "AWS answers AuthFailure", "credentials", id="wrong credentials"),
        pytest.param(refusal("RequestExpired", 400), "AWS answers RequestExpired", "expired", id="old credentials"),
        pytest.param(
            refusal("Odd &lt;b&gt; code", 400), "AWS answers an unknown error", "unchanged", id="a code that is none"
        ),
        pytest.param(Said("<Resp", 200), "the answer is no XML of the documented form", "newer gpuguard", id="no XML"),
        pytest.param(history(row(usd="cheap")), "the price cheap of g5.xlarge", "newer gpuguard", id="no number"),
        pytest.param(history(row(usd="NaN")), "the price NaN", "newer gpuguard", id="not a number"),
        *(
            pytest.param(
                history(re.sub(f"<{element}>.*?</{element}>", "", row())),
                f"a price without {name}",
                "newer gpuguard",
                id=f"a price without {name}",
            )
            for element, name in (
                ("spotPrice", "SpotPrice"),
                ("instanceType", "InstanceType"),
                ("productDescription", "ProductDescription"),
                ("availabilityZone", "AvailabilityZone"),
                ("timestamp", "Timestamp"),
            )
        ),
        pytest.param(
            history(row(time="yesterday")),
            "the answer is no XML of the documented form",
            "newer gpuguard",
            id="no time",
        ),
        pytest.param(history(row(), more="again"), "pages without an end", "newer gpuguard", id="pages in a circle"),
    ],
)
def test_an_answer_that_is_no_use_is_refused(http: Http, answer: Said, said: str, hint: str) -> None:
    with pytest.raises(ServiceError) as raised:
        read(http, answer)
    assert said in raised.value.message
    assert "EC2 DescribeSpotPriceHistory in us-east-1" in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(refusal("UnauthorizedOperation", 403), "AWS answers UnauthorizedOperation", id="no permission"),
        pytest.param(regions(), "no region", id="no region"),
        pytest.param(regions("nowhere"), "a region without its name", id="a name that is none"),
        pytest.param(
            Said(re.sub("<optInStatus>.*?</optInStatus>", "", regions("us-east-1").body)), "or status", id="no status"
        ),
        pytest.param(history(row()), "no region", id="the answer of another action"),
    ],
)
def test_a_list_of_regions_that_is_no_use_is_refused(http: Http, answer: Said, said: str) -> None:
    with Ec2(lambda _: answer, lambda _: history()) as ec2, pytest.raises(ServiceError) as raised:
        parts(ec2, http)
    assert said in raised.value.message
    assert "EC2 DescribeRegions in us-east-1" in raised.value.message


def test_no_key_and_nothing_that_aws_says_reaches_a_message(http: Http) -> None:
    quoted = f"User arn:aws:iam::123456789012:user/acme with {KEY} {SECRET} {TOKEN} is not authorized"
    with pytest.raises(ServiceError) as raised:
        read(http, refusal("UnauthorizedOperation", 403, quoted))
    told = f"{raised.value.message} {raised.value.hint} {raised.value.details} {raised.value.__cause__}"
    for secret in (KEY, SECRET, TOKEN, "acme", "123456789012", "Signature"):
        assert secret not in told


def test_a_server_that_is_not_there_is_named_by_the_failure(http: Http) -> None:
    with Ec2(lambda _: regions("us-east-1"), lambda _: history()) as ec2:
        gone = ec2.endpoint
    with pytest.raises(ServiceError, match="EndpointConnectionError") as raised:
        list(aws_spot.SOURCE.parts(context(None, http, endpoint=gone)))
    assert "network" in raised.value.hint


@pytest.mark.parametrize(
    "endpoint", ["http://ec2.example.com", "http://10.0.0.1/{region}", "ftp://example.com", "https//x", "http://[1"]
)
def test_signed_requests_go_nowhere_without_encryption(http: Http, endpoint: str) -> None:
    with pytest.raises(ServiceError, match="no https address"):
        list(aws_spot.SOURCE.parts(context(None, http, endpoint=endpoint)))


# --- credentials ---


def files(home: Path, *, credentials: str = "", config: str = "") -> dict[str, str]:
    """A home with the shared files of the AWS SDKs."""
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text(credentials, encoding="utf-8")
    (home / ".aws" / "config").write_text(config, encoding="utf-8")
    return {"HOME": str(home)}


STATIC = f"aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"


@pytest.mark.parametrize(
    ("environment", "credentials", "config"),
    [
        pytest.param(KEYS, "", "", id="keys in the environment"),
        pytest.param({"AWS_ROLE_ARN": "arn", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t"}, "", "", id="a web identity"),
        pytest.param({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/x"}, "", "", id="a container"),
        pytest.param({}, f"[default]\n{STATIC}", "", id="the default profile"),
        pytest.param({"AWS_PROFILE": "acme"}, f"[acme]\n{STATIC}", "", id="a profile of the credentials file"),
        pytest.param(
            {"AWS_PROFILE": "acme"},
            "",
            "[profile acme]\nsso_session = acme\n",
            id="a profile of the configuration file",
        ),
        pytest.param({}, "", "[default]\ncredential_process = /bin/true\n", id="a program"),
        pytest.param({"AWS_DEFAULT_PROFILE": "acme"}, "", "[profile acme]\nrole_arn = arn\n", id="a role"),
    ],
)
def test_credentials_are_found_without_asking_the_network(
    tmp_path: Path, environment: dict[str, str], credentials: str, config: str
) -> None:
    home = files(tmp_path, credentials=credentials, config=config)
    assert aws_spot.SOURCE.missing({**home, **environment}) == ""


@pytest.mark.parametrize(
    ("environment", "credentials", "config"),
    [
        pytest.param({}, "", "", id="nothing"),
        pytest.param({"AWS_ACCESS_KEY_ID": KEY}, "", "", id="half a key"),
        pytest.param({"AWS_REGION": "us-east-1"}, "", "[default]\nregion = us-east-1\n", id="a region alone"),
        pytest.param({"AWS_PROFILE": "acme"}, f"[default]\n{STATIC}", "", id="another profile"),
        pytest.param({}, "no section\n", "", id="a file that is none"),
    ],
)
def test_missing_credentials_are_told_in_words(
    tmp_path: Path, environment: dict[str, str], credentials: str, config: str
) -> None:
    home = files(tmp_path, credentials=credentials, config=config)
    assert "AWS_ACCESS_KEY_ID" in aws_spot.SOURCE.missing({**home, **environment})


def test_a_home_without_files_is_told_as_missing_credentials() -> None:
    assert "AWS credentials" in aws_spot.SOURCE.missing({})


def test_the_missing_package_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert "gpuguard[aws]" in aws_spot.SOURCE.missing(KEYS)


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        pytest.param({"AWS_PROFILE": "acme"}, "AKIAACMEACMEACMEACME", id="the profile named"),
        pytest.param({}, "AKIADEFAULTDEFAULT00", id="the default profile"),
        pytest.param({"AWS_PROFILE": "acme", **KEYS}, KEY, id="keys of the environment before a profile"),
    ],
)
def test_requests_are_signed_with_the_credentials_of_the_environment(
    http: Http, tmp_path: Path, environment: dict[str, str], key: str
) -> None:
    sections = {"acme": "AKIAACMEACMEACMEACME", "default": "AKIADEFAULTDEFAULT00"}
    text = "".join(f"[{name}]\naws_access_key_id = {id}\naws_secret_access_key = x\n" for name, id in sections.items())
    home = files(tmp_path, credentials=text)
    with Ec2(lambda _: regions("us-east-1"), lambda _: history(row())) as ec2:
        parts(ec2, http, environment={**home, **environment})
    (asked,) = ec2.asked
    assert f"Credential={key}/" in asked.headers["authorization"]
    assert asked.headers.get("x-amz-security-token") == (TOKEN if key == KEY else None)


def test_a_profile_that_does_not_exist_is_named_as_such(http: Http, tmp_path: Path) -> None:
    home = files(tmp_path)
    with pytest.raises(ServiceError, match="ProfileNotFound") as raised:
        list(aws_spot.SOURCE.parts(context(None, http, environment={**home, "AWS_PROFILE": "acme"})))
    assert "AWS_PROFILE" in raised.value.hint


def test_the_role_of_the_machine_is_never_asked_for(
    http: Http, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ec2(lambda _: regions("us-east-1"), lambda _: history()) as metadata:
        address = metadata.endpoint.replace("/{region}", "")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", address)
        calls: list[str] = []
        monkeypatch.setattr(
            "botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials", lambda self: calls.append("asked")
        )
        with pytest.raises(ServiceError, match="need AWS credentials"):
            list(aws_spot.SOURCE.parts(context(None, http, environment=files(tmp_path))))
    assert calls == []
    assert metadata.asked == []
