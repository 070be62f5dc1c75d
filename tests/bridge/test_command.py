"""The command `bridge` refuses what cannot work before anything is started."""

from __future__ import annotations

import socket
import sqlite3
import subprocess

import pytest
from tests.bridge.running import bridge_command, make_bundle

from trunnion_bridge.main import main
from trunnion_bridge.settings import Oidc, Settings
from trunnion_contract.errors import BadInput

ISSUER = ("--oidc-issuer", "https://id.example", "--oidc-audience", "cell")


@pytest.fixture
def refusal(bundle, tmp_path, capsys):
    """What the command says when it refuses to start; asserts that it does."""

    def start(*arguments, bundle=bundle):
        code = main(
            ["--bundle", str(bundle), "--data-dir", str(tmp_path / "data"), "--port", "0", *arguments]
        )
        assert code == 2
        return capsys.readouterr().err

    return start


def test_a_port_in_use_is_named_and_nothing_is_started(ros_process_environment, bundle, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = bridge_command(bundle, tmp_path / "data", "--port", str(port))

        ended = subprocess.run(
            command, env=ros_process_environment, capture_output=True, text=True, timeout=60
        )

    wanted = f"port {port} on 127.0.0.1: got a port that another program uses, wanted a free port. Next: "
    assert ended.returncode == 2
    assert ended.stderr.startswith(wanted)
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data" / "bridge.db").exists()


def test_a_damaged_bundle_is_refused(refusal, bundle, tmp_path):
    damaged = tmp_path / "damaged.trunnion"
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)

    assert refusal(bundle=damaged).startswith(str(damaged))


def test_a_missing_bundle_is_refused(refusal, tmp_path):
    assert "got no such file" in refusal(bundle=tmp_path / "none.trunnion")


def test_a_bundle_without_a_cell_is_refused(refusal, tmp_path):
    assert "a bundle without a cell layout" in refusal(bundle=make_bundle(tmp_path / "other", cell=None))


def test_orders_of_a_newer_bridge_are_left_alone(refusal, tmp_path):
    (tmp_path / "data").mkdir()
    newer = sqlite3.connect(tmp_path / "data" / "bridge.db")
    newer.execute("PRAGMA user_version = 99")
    newer.close()

    assert "orders of schema 99" in refusal()


def test_two_bridges_never_share_their_orders(refusal, the_bridge, shared_data_dir):
    assert "a folder that another bridge is using" in refusal("--data-dir", str(shared_data_dir))


def test_an_address_that_is_not_ours_is_refused(refusal):
    said = refusal("--host", "192.0.2.1", *ISSUER)

    assert said.startswith("192.0.2.1:0: got an address that cannot be used")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "cell.example"])
def test_an_address_that_others_can_reach_wants_an_issuer(bundle, tmp_path, host):
    with pytest.raises(BadInput, match="others on the network can reach") as refusal:
        Settings(bundle=bundle, data_dir=tmp_path, host=host)
    assert "--oidc-issuer" in refusal.value.next_step

    oidc = Oidc("https://id.example", "cell")
    assert Settings(bundle=bundle, data_dir=tmp_path, host=host, oidc=oidc).host == host


@pytest.mark.parametrize("issuer", ["http://id.example", "id.example", "", "file:///etc/passwd"])
def test_an_issuer_that_others_could_pass_for_is_refused(refusal, issuer):
    assert refusal("--oidc-issuer", issuer, "--oidc-audience", "cell").startswith("--oidc-issuer: got")


def test_tokens_for_other_services_are_never_taken(refusal):
    assert refusal("--oidc-issuer", "https://id.example").startswith("--oidc-audience: got nothing")


def test_a_client_without_an_issuer_is_refused_by_the_name_of_what_is_missing(refusal):
    said = refusal("--oidc-client-id", "page")
    assert said.startswith("--oidc-issuer: got nothing")
    assert "Next: " in said
