"""Files and servers: opened, brought to the newest tables, refused with words, and never with a password."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError
from tests.bridge.postgres import PASSWORD
from tests.bridge.running import a_free_port

from trunnion_bridge.database import Database, postgresql_url, sqlite_url
from trunnion_bridge.main import main
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.store import Store
from trunnion_bridge.tables import Base
from trunnion_contract.errors import BadInput, Broken

# As the first bridges made it, before there were steps.
FIRST_FILE = """
CREATE TABLE orders (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id VARCHAR NOT NULL, state VARCHAR NOT NULL,
	lines VARCHAR NOT NULL, bin VARCHAR NOT NULL, requested INTEGER NOT NULL, sorted INTEGER NOT NULL,
	phase VARCHAR NOT NULL, part VARCHAR NOT NULL, message VARCHAR NOT NULL, created_ms INTEGER NOT NULL,
	started_ms INTEGER, ended_ms INTEGER, idempotency_key VARCHAR, UNIQUE (id), UNIQUE (idempotency_key));
CREATE INDEX orders_by_state ON orders (state, number);
CREATE TABLE order_events (
	number INTEGER NOT NULL, order_number INTEGER NOT NULL, at_ms INTEGER NOT NULL, state VARCHAR NOT NULL,
	sorted INTEGER NOT NULL, message VARCHAR NOT NULL, PRIMARY KEY (number),
	FOREIGN KEY(order_number) REFERENCES orders (number));
CREATE INDEX ix_order_events_order_number ON order_events (order_number);
INSERT INTO orders VALUES (7, 'an-id', 'succeeded', '[["gear",2]]', 'B', 2, 2, '', '', 'done', 1, 2, 3, 'erp-1');
INSERT INTO order_events VALUES (1, 7, 1, 'queued', 0, 'the order is in the queue'), (2, 7, 3, 'succeeded', 2, 'done');
PRAGMA user_version = 1;
"""
REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 2}], "bin": "B"})


def test_the_steps_lead_to_the_tables_that_the_code_speaks_of(database_url):
    with Database(database_url) as database, database.reading() as session:
        assert compare_metadata(MigrationContext.configure(session.connection()), Base.metadata) == []


def test_orders_of_a_bridge_before_there_were_steps_are_all_there(tmp_path):
    path = tmp_path / "bridge.db"
    with closing(sqlite3.connect(path)) as first:
        first.executescript(FIRST_FILE)

    for _ in range(2):
        with Database(sqlite_url(path)) as database:
            order = Store(database).get("an-id")
            assert (order.number, order.state, order.sorted, len(order.events)) == (7, "succeeded", 2, 2)
            again, is_new = Store(database).create(REQUEST, "erp-1", 10)
            assert (again.id, is_new) == ("an-id", False)
    with Database(sqlite_url(path)) as database:
        assert Store(database).create(REQUEST, None, 10)[0].number == 8


def test_a_database_of_a_newer_bridge_is_refused_and_left_alone(database_url):
    with Database(database_url) as database, database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(BadInput, match="orders of schema 9999") as refusal, Database(database_url):
        pass

    assert PASSWORD not in str(refusal.value)
    with pytest.raises(BadInput), Database(database_url):
        pass


def test_a_step_that_fails_leaves_nothing_behind(tmp_path):
    path = tmp_path / "bridge.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE order_events (foreign_column)")

    with pytest.raises(BadInput, match="cannot be used"), Database(sqlite_url(path)):
        pass

    with closing(sqlite3.connect(path)) as after:
        assert after.execute("SELECT name FROM sqlite_master").fetchall() == [("order_events",)]


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "bridge.db"
    path.write_text("these are not orders, " * 100)

    with pytest.raises(BadInput, match="cannot be used"), Database(sqlite_url(path)):
        pass

    assert path.read_text() == "these are not orders, " * 100


def test_the_file_is_in_wal_mode(tmp_path):
    with Database(sqlite_url(tmp_path / "bridge.db")):
        pass
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_error_inside_a_transaction_undoes_all_of_it(database_url):
    with Database(database_url) as database:
        store = Store(database)
        order = store.create(REQUEST, None, 10)[0]
        with pytest.raises(ProgrammingError if database.is_shared else OperationalError):
            run(database, "UPDATE orders SET state = 'running'", "this is no SQL")

        assert store.get(order.id).state == "queued"


def test_a_server_that_does_not_answer_or_does_not_know_us_is_named_without_the_password(postgres):
    url = postgres.new_database()
    for wrong in (url.set(port=a_free_port()), url.set(password="another-secret"), url.set(database="none")):
        with pytest.raises(Broken, match="cannot be used") as refusal, Database(wrong):
            pass
        assert f"127.0.0.1:{wrong.port}" in str(refusal.value)
        assert wrong.password not in str(refusal.value)


@pytest.mark.parametrize(
    "given",
    ["", "orders.db", "sqlite:///orders.db", "mysql://u:s3cret@h/d", "postgresql+psycopg://u:s3cret@h:x/d"],
)
def test_what_is_no_url_of_postgresql_is_refused_without_repeating_it(given):
    with pytest.raises(BadInput, match="the URL of the database") as refusal:
        postgresql_url(given)

    assert "s3cret" not in str(refusal.value)


def test_a_password_on_the_command_line_is_refused(bundle, tmp_path, capsys):
    arguments = ["--bundle", str(bundle), "--data-dir", str(tmp_path), "--port", "0"]

    assert main([*arguments, "--database", "postgresql+psycopg://u:s3cret@h/d"]) == 2

    said = capsys.readouterr().err
    assert "TRUNNION_DATABASE" in said
    assert "s3cret" not in said


def test_a_server_that_went_and_came_back_is_used_again(postgres):
    with Database(postgres.new_database()) as database:
        store = Store(database)
        order = store.create(REQUEST, None, 10)[0]
        postgres.stop()
        postgres.start()

        assert store.get(order.id).id == order.id


def run(database, *statements):
    with database.writing() as session:
        for statement in statements:
            session.execute(text(statement))
