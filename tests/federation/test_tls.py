"""A Redis behind TLS, with a certificate authority of the tests' own."""

import datetime as dt
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.federation.test_hubs import A, held, push
from tests.redis_server import NO_BINARY, binary, running
from tmws_mcp.federation.hub import HubAway
from tmws_mcp.federation.redis_hub import redis_hub
from tmws_mcp.model.federation import Slot

pytestmark = pytest.mark.anyio
SECONDS_MAX = 10.0


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that signs itself, and its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A Redis that speaks TLS: its URL, and the certificate to believe."""
    if binary() is None:
        pytest.skip(NO_BINARY)
    certificate, key = make_certificate(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--tls-port", str(port), "--tls-cert-file", str(certificate))
    options += ("--tls-key-file", str(key), "--tls-auth-clients", "no")
    try:
        with running(*options):
            yield f"rediss://127.0.0.1:{port}/0", certificate
    except AssertionError as error:
        if "tls" in str(error).lower():
            pytest.skip("this redis-server is built without TLS")
        raise


async def test_slots_go_over_tls_to_a_server_whose_authority_is_believed(
    secured: tuple[str, Path],
) -> None:
    url, certificate = secured
    with anyio.fail_after(SECONDS_MAX):
        async with redis_hub(f"{url}?ssl_ca_certs={certificate}", "tests", wait_seconds=1) as hub:
            await push(hub, A, 0, 3, Slot(b"ox", 0, 3, b"body"))
            assert set(await held(hub, A)) == {b"ox"}


async def test_nothing_goes_to_a_server_whose_authority_is_not_believed(
    secured: tuple[str, Path],
) -> None:
    url, _ = secured
    with anyio.fail_after(SECONDS_MAX):
        async with redis_hub(url, "tests", wait_seconds=1) as hub:
            with pytest.raises(HubAway, match=r"(?i)certificate"):
                await hub.open()
