"""The command `bridge keys`: makes, lists and revokes keys in the bridge's database, whether or not a bridge runs.

Whoever may write there could do anything to it, so that nobody else is asked: it is how the first key is had where
there is no OpenID provider. The audit log has these changes, too.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydantic import ValidationError

from trunnion_bridge.access.deed import Deed, acting
from trunnion_bridge.access.key_store import KeyStore
from trunnion_bridge.access.models import Key, KeyRequest
from trunnion_bridge.access.neighbour import own_name
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.access.wanted import check_areas
from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.database_option import add_database_option, database_of
from trunnion_contract.errors import BadInput, ExitCode

_DAYS = 90.0
_LISTED = 200


def keys_command(arguments: Sequence[str]) -> int:
    """Returns the exit code.

    Raises:
        BadInput: what was asked for cannot be done.
        Broken: the database cannot be used.
    """
    given = _parser().parse_args(arguments)
    url = database_of(given.database) or sqlite_url(_existing(given.data_dir))
    with Database(url) as database, acting(_deed(f"key.{given.what}")):
        _WHAT[given.what](KeyStore(database), given)
    return int(ExitCode.OK)


def _create(store: KeyStore, given: argparse.Namespace) -> None:
    check_areas(given.area)
    try:
        expires_at = datetime.now(timezone.utc) + timedelta(days=given.days)
        request = KeyRequest(name=given.name, role=given.role, areas=given.area, expires_at=expires_at)
    except (ValidationError, OverflowError, ValueError) as error:
        raise BadInput(
            where="the key", got=str(error).splitlines()[0], wanted="a short name, a role, and at most 366 days",
            next_step="see bridge keys create --help",
        ) from None  # fmt: skip
    key = store.create(request, own_name())
    print(_line(key), file=sys.stderr)
    print(key.secret)  # alone, so that it can be put where it belongs and is never on a screen


def _list(store: KeyStore, _: argparse.Namespace) -> None:
    for key in store.page(_LISTED):
        print(_line(key))


def _revoke(store: KeyStore, given: argparse.Namespace) -> None:
    key = store.revoke(given.id)
    if key is None:
        raise BadInput(
            where="the key's id",
            got=ascii(given.id),
            wanted="the id of a key",
            next_step="see bridge keys list",
        )
    print(_line(key))


_WHAT = {"create": _create, "list": _list, "revoke": _revoke}


def _line(key: Key) -> str:
    used = f"used {key.last_used_at:%F %H:%M}" if key.last_used_at else "never used"
    is_open = key.revoked_at is None and key.expires_at > datetime.now(timezone.utc)
    end = (
        f"revoked {key.revoked_at:%F}"
        if key.revoked_at
        else f"{'until' if is_open else 'ended'} {key.expires_at:%F}"
    )
    return f"{key.id}  {key.role}  {','.join(key.areas or ['all'])}  {end}  {used}  {key.name}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bridge keys", description="Keys of machines, in the bridge's database"
    )
    what = parser.add_subparsers(dest="what", required=True)
    create = what.add_parser("create", help="make a key, and print its secret, which is nowhere else")
    create.add_argument("--name", required=True, help="which machine it is for")
    create.add_argument("--role", required=True, choices=[str(role) for role in Role])
    create.add_argument("--area", action="append", help="only this one, such as orders; may be given again")
    create.add_argument("--days", type=float, default=_DAYS, help="how long it lasts (default: %(default)g)")
    revoke = what.add_parser("revoke", help="let a key open nothing any more, within two seconds")
    revoke.add_argument("id")
    for command in (create, revoke, what.add_parser("list", help=f"the newest {_LISTED} keys")):
        command.add_argument("--data-dir", type=Path, required=True, help="the bridge's own folder")
        add_database_option(command)
    return parser


def _existing(data_dir: Path) -> Path:
    path = data_dir / "bridge.db"
    if not path.exists():
        raise BadInput(
            where=str(data_dir),
            got="a folder without a bridge's database",
            wanted="the --data-dir of a bridge that was started before",
            next_step="start the bridge once, or name its folder",
        )
    return path


def _deed(action: str) -> Deed:
    caller = Caller(own_name(), Role.ADMIN, float("inf"), "host")
    return Deed(action, "", uuid.uuid4().hex, {"caller": caller})
