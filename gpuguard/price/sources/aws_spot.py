"""AWS spot prices of EC2: what DescribeSpotPriceHistory says is in force now. It needs an account.

The action and its answer: Amazon EC2 API Reference, DescribeSpotPriceHistory and DescribeRegions; errors: "Error codes
for the Amazon EC2 API". Given a start time, the action returns the price in force at that time and every later change,
for every zone. The start is ten minutes ago, lest a fast clock ask for the future, and the latest price of each zone
counts. The catalog holds their mean and their range, which is what it judges by.

Credentials are looked for where the AWS SDKs look (environment, shared files, SSO, web identity, container), but the
instance metadata service is asked only when a profile says so (``credential_source = Ec2InstanceMetadata``): a tool that
reads plans should not take the role of the machine it happens to run on. They need ec2:DescribeRegions and
ec2:DescribeSpotPriceHistory, and are used for nothing else. The first question goes to the region in AWS_REGION, which an
account of GovCloud has to name. Regions that are not enabled for the account are not asked, and the prices the catalog
has of them stay; so do those of China, whose prices are in CNY.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from gpuguard.errors import ServiceError
from gpuguard.price.sources.base import (
    CHANGED,
    MOST_NOTES,
    Context,
    FetchedPrice,
    Found,
    Part,
    Scope,
    Source,
    Validators,
)

CLOUD = "aws"
ENDPOINT = "https://ec2.{region}.amazonaws.com"
"""``{region}`` stands for the region asked; an address without it is asked for every region."""

_HOME = "us-east-1"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CLASSES = ("g*", "p*", "trn*", "inf*", "dl*")
"""Accelerated instance classes (Amazon EC2: instance type naming conventions), as values of the filter instance-type."""
_SYSTEMS = {"Linux/UNIX": "linux", "Windows": "windows", "Red Hat Enterprise Linux": "rhel", "SUSE Linux": "sles"}
_VPC = " (Amazon VPC)"

_BEFORE = timedelta(minutes=10)
_PAGE = 1000
_MOST_PAGES = 1000
_AMOUNT = re.compile(r"-?\d{1,9}(?:\.\d{1,12})?\Z")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}\Z")
_CODE = re.compile(r"[A-Za-z0-9.]{1,60}\Z")
_SIX_PLACES = Decimal("0.000001")

_CREDENTIALS = "AWS credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in AWS_PROFILE)"
_LATER = "The catalog in use is unchanged. Check the network and run it again later."
_ENVIRONMENT_PAIRS = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
_PROFILE_KEYS = (
    "aws_access_key_id",
    "role_arn",
    "credential_process",
    "sso_session",
    "sso_start_url",
    "login_session",
    "web_identity_token_file",
)
"""Settings of a profile that lead to credentials (AWS SDKs and Tools Reference Guide)."""

_HINTS = {
    "UnauthorizedOperation": "The credentials need ec2:DescribeRegions and ec2:DescribeSpotPriceHistory.",
    "AuthFailure": "The region does not accept the credentials: they are wrong, or those of another partition, or a"
    " session token of the global STS endpoint, which regions that have to be enabled refuse.",
    "RequestExpired": "The credentials have expired, or the clock of this machine is wrong.",
    "OptInRequired": "The account is not signed up for EC2.",
    "RequestLimitExceeded": "AWS limits how often the account may ask. Run it again later.",
}
_CONFIGURED = (
    "Look at the AWS configuration of this machine: the profile, its settings, and whether a login has expired."
)
_HINTS_BY_FAILURE = {
    "ProfileNotFound": "The profile named in AWS_PROFILE is not in the AWS configuration files.",
    "PartialCredentialsError": f"Give whole {_CREDENTIALS}.",
    "NoCredentialsError": f"Give {_CREDENTIALS}.",
}


def missing(environment: Mapping[str, str]) -> str:
    """What this machine lacks to ask for spot prices, or an empty string. Asks nothing over the network."""
    from importlib.util import find_spec

    if find_spec("botocore") is None:
        return "the package botocore (pip install 'gpuguard[aws]')"
    return "" if _has_credentials(environment) else _CREDENTIALS


def _has_credentials(environment: Mapping[str, str]) -> bool:
    if any(environment.get(one) and environment.get(two) for one, two in _ENVIRONMENT_PAIRS):
        return True
    from configparser import Error, RawConfigParser

    name = _profile(environment) or "default"
    sections = {"credentials": {name}, "config": {"default"} if name == "default" else {f"profile {name}"}}
    for file, wanted in sections.items():
        parser = RawConfigParser(strict=False)
        try:
            parser.read(_shared_file(environment, file), encoding="utf-8")
        except (Error, OSError, UnicodeDecodeError):
            continue
        if any(parser.has_option(section, key) for section in wanted for key in _PROFILE_KEYS):
            return True
    return False


def _profile(environment: Mapping[str, str]) -> str:
    return environment.get("AWS_DEFAULT_PROFILE") or environment.get("AWS_PROFILE") or ""


def _shared_file(environment: Mapping[str, str], file: str) -> str:
    """The path of the shared file ``credentials`` or ``config``."""
    named = environment.get({"credentials": "AWS_SHARED_CREDENTIALS_FILE", "config": "AWS_CONFIG_FILE"}[file])
    home = environment.get("HOME") or environment.get("USERPROFILE") or ""
    return named or f"{home}/.aws/{file}"


def _parts(context: Context) -> Iterator[Part]:
    if not context.wanted.bought("spot"):
        return
    session = _session(context.environment)
    enabled, disabled = _regions(context, session)
    named = ", ".join(disabled)
    if disabled and not enabled:
        raise ServiceError(
            f"no region asked for is enabled for the AWS account: {named}",
            hint="Enable one in the account, ask for others with --region, or leave the source aws-spot out.",
        )
    notes = [f"regions not enabled for the AWS account, their prices stay as they are: {named}"] if disabled else []
    for region in enabled:
        scope = Scope(CLOUD, "machine", "spot", (region,))
        yield Part(f"aws-spot/{region}", (scope,), partial(_read, session=session, region=region, notes=tuple(notes)))
        notes = []  # said once


def _regions(context: Context, session: Any) -> tuple[list[str], list[str]]:
    """The wanted regions that are enabled for the account, and those that are not."""
    home = context.environment.get("AWS_REGION") or context.environment.get("AWS_DEFAULT_REGION") or _HOME
    action = "DescribeRegions"
    with _asking(f"{action} in {_shown(home)}"):
        listed = _client(context, session, home).describe_regions(AllRegions=True).get("Regions", ())
    enabled: list[str] = []
    disabled: list[str] = []
    for region in listed:
        name, status = region.get("RegionName"), region.get("OptInStatus")
        if not isinstance(name, str) or not _REGION.match(name) or not isinstance(status, str):
            raise _changed(action, home, "a region without its name or status")
        if context.wanted.region(name) and not name.startswith("cn-"):
            (disabled if status == "not-opted-in" else enabled).append(name)
    if not listed:
        raise _changed(action, home, "no region")
    return sorted(enabled), sorted(disabled)


def _read(
    context: Context, validators: Validators | None, *, session: Any, region: str, notes: tuple[str, ...]
) -> Found:
    """The spot prices of a region now: mean and range over its zones."""
    del validators  # the action knows no conditional requests
    zones: dict[tuple[str, str], dict[str, tuple[datetime, Decimal]]] = {}
    strange: dict[str, None] = dict.fromkeys(notes)
    for row in _history(context, session, region):
        sku = row["InstanceType"]
        if not context.known.accelerated(CLOUD, sku) or not _is_zone(row["AvailabilityZone"], region):
            continue
        system = _SYSTEMS.get(row["ProductDescription"].removesuffix(_VPC))
        if system is None:
            if len(strange) < MOST_NOTES:
                strange.setdefault(f"the product {_shown(row['ProductDescription'])} is not known and left out")
            continue
        if not _AMOUNT.match(row["SpotPrice"]):
            raise _changed("DescribeSpotPriceHistory", region, f"the price {_shown(row['SpotPrice'])} of {_shown(sku)}")
        prices = zones.setdefault((context.known.spelling(CLOUD, sku), system), {})
        present = prices.get(row["AvailabilityZone"])
        if present is None or row["Timestamp"] > present[0]:
            prices[row["AvailabilityZone"]] = (row["Timestamp"], Decimal(row["SpotPrice"]))
    return Found(
        as_of=context.today,
        title=f"Amazon EC2 DescribeSpotPriceHistory, {region}",
        prices=tuple(
            _price(sku, region, system, [usd for _, usd in found.values()])
            for (sku, system), found in sorted(zones.items())
        ),
        notes=tuple(strange),
    )


def _price(sku: str, region: str, system: str, zones: list[Decimal]) -> FetchedPrice:
    low, high = _tidy(min(zones)), _tidy(max(zones))
    if len(zones) == 1:
        return FetchedPrice("machine", sku, region, "hour", high, system, "spot")
    mean = (sum(zones, Decimal(0)) / len(zones)).quantize(_SIX_PLACES, ROUND_HALF_EVEN)
    usd = _tidy(min(max(mean, low), high))
    note = f"mean of {len(zones)} zones"
    return FetchedPrice("machine", sku, region, "hour", usd, system, "spot", low=low, high=high, note=note)


def _history(context: Context, session: Any, region: str) -> Iterator[Mapping[str, Any]]:
    """The rows of all pages."""
    action = "DescribeSpotPriceHistory"
    with _asking(f"{action} in {region}"):
        client = _client(context, session, region)
    token = ""
    tokens: set[str] = set()
    started = datetime.now(UTC) - _BEFORE
    while True:
        with _asking(f"{action} in {region}"):
            page = client.describe_spot_price_history(
                StartTime=started,
                ProductDescriptions=list(_SYSTEMS),
                Filters=[{"Name": "instance-type", "Values": list(_CLASSES)}],
                MaxResults=_PAGE,
                **({"NextToken": token} if token else {}),
            )
        for row in page.get("SpotPriceHistory", ()):
            for name in ("InstanceType", "ProductDescription", "SpotPrice", "AvailabilityZone"):
                if not isinstance(row.get(name), str):
                    raise _changed(action, region, f"a price without {name}")
            if not isinstance(row.get("Timestamp"), datetime):
                raise _changed(action, region, "a price without Timestamp")
            yield row
        token = page.get("NextToken") or ""
        if not token:
            return
        if token in tokens or len(tokens) >= _MOST_PAGES:
            raise _changed(action, region, "pages without an end")
        tokens.add(token)


def _is_zone(zone: str, region: str) -> bool:
    """Whether a zone is one of the region itself; Local Zones (us-west-2-lax-1a) have prices of their own."""
    return zone[:-1] == region and zone[-1:].isalpha()


# --- botocore ---


def _session(environment: Mapping[str, str]) -> Any:
    """A botocore session with the credentials the environment names, and never the role of the machine."""
    import botocore.session  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    session = botocore.session.Session()
    session.set_config_variable("credentials_file", _shared_file(environment, "credentials"))
    session.set_config_variable("config_file", _shared_file(environment, "config"))
    if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        session.set_credentials(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN") or None,
        )
        return session
    try:
        if profile := _profile(environment):
            session.set_config_variable("profile", profile)
        session.get_component("credential_provider").remove("iam-role")
        credentials = session.get_credentials()
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        # what failed is a file, a program or a login service of the user; its text may quote any of it
        name = type(error).__name__
        raise ServiceError(f"AWS credentials: {name}", hint=_HINTS_BY_FAILURE.get(name, _CONFIGURED)) from None
    if credentials is None:
        raise ServiceError(f"the spot prices of AWS need {_CREDENTIALS}", hint="Or leave the source aws-spot out.")
    return session


def _client(context: Context, session: Any, region: str) -> Any:
    from botocore.config import Config  # type: ignore[import-untyped]

    endpoint = context.endpoint.replace("{region}", region)
    try:
        address = urlsplit(endpoint)
        safe = address.scheme == "https" or address.hostname in _LOOPBACK
    except ValueError:
        safe = False
    if not safe:
        raise ServiceError("the endpoint of aws-spot is no https address", hint="Signed requests go over https only.")
    return session.create_client(
        "ec2",
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=context.http.timeout,
            read_timeout=context.http.timeout,
            retries={"mode": "standard", "total_max_attempts": context.http.attempts},
        ),
    )


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn what botocore raises into an error of ours, without its text: it may quote keys, tokens and addresses."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        HTTPClientError,
    )
    from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        code = code if _CODE.match(code) else "an unknown error"
        raise ServiceError(f"EC2 {what}: AWS answers {code}", hint=_HINTS.get(code, _LATER)) from None
    except BotoCoreError as error:
        # the name of the class says what went wrong: EndpointConnectionError, ReadTimeoutError, TokenRetrievalError
        name = type(error).__name__
        hint = _LATER if isinstance(error, ConnectionError | HTTPClientError) else _CONFIGURED
        raise ServiceError(f"EC2 {what}: {name}", hint=_HINTS_BY_FAILURE.get(name, hint)) from None
    except (ResponseParserError, ValueError):
        raise ServiceError(f"EC2 {what}: the answer is no XML of the documented form", hint=CHANGED) from None


def _changed(action: str, region: str, what: str) -> ServiceError:
    return ServiceError(f"EC2 {action} in {region}: the answer is not as documented: {what}", hint=CHANGED)


def _shown(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:80]) or "(empty)"


def _tidy(amount: Decimal) -> Decimal:
    """The same amount without zeros at its end and without an exponent."""
    return Decimal(f"{amount.normalize():f}")


SOURCE = Source(
    "aws-spot", CLOUD, "AWS spot prices (EC2 DescribeSpotPriceHistory)", ENDPOINT, _parts, missing, ("spot",)
)
