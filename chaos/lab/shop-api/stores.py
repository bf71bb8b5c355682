"""The database, the cache, the queue and the ledger of the shop, each behind the few calls that the API makes."""

import json
import os
import threading
from contextlib import contextmanager

import pika
import psycopg2
import psycopg2.pool
import redis

SCHEMA = """
create table if not exists products (sku text primary key, price_cents integer not null, sold integer not null);
create table if not exists orders (
  id bigint generated always as identity primary key,
  sku text not null references products,
  quantity integer not null check (quantity between 1 and 100),
  state text not null,
  placed_at timestamptz not null default now(),
  shipped_at timestamptz
);
insert into products select 'sku-' || n, 100 * n, 0 from generate_series(1, 50) n on conflict do nothing;
"""
# Workers and replicas start at once; `if not exists` alone does not keep them apart.
SCHEMA_LOCK = 7070

CONNECT_SECONDS = 2
STATEMENT_MS = 2000


class Database:
    def __init__(self, dsn):
        self._dsn = dsn
        self._pool = None
        self._lock = threading.Lock()
        # One for each thread of a worker: the pool raises where none is left.
        self._size = 4

    def _connections(self):
        with self._lock:
            if self._pool is None:
                pool = psycopg2.pool.ThreadedConnectionPool(
                    self._size, self._size, self._dsn, connect_timeout=CONNECT_SECONDS,
                    options=f"-c statement_timeout={STATEMENT_MS}", keepalives_idle=5,
                )
                connection = pool.getconn()
                with connection, connection.cursor() as cursor:
                    cursor.execute("select pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
                    cursor.execute(SCHEMA)
                pool.putconn(connection)
                self._pool = pool
            return self._pool

    @contextmanager
    def cursor(self):
        """A transaction; a connection that broke is not used again."""
        pool = self._connections()
        connection = pool.getconn()
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error as error:
            broken = isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError))
            pool.putconn(connection, close=broken)
            connection = None
            raise
        finally:
            if connection is not None:
                pool.putconn(connection)


class Cache:
    """A cache that is away costs time, never an answer."""

    def __init__(self, url):
        self._redis = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)

    def get(self, key):
        try:
            found = self._redis.get(key)
            return None if found is None else json.loads(found)
        except redis.RedisError:
            return None

    def put(self, key, value, seconds):
        try:
            self._redis.setex(key, seconds, json.dumps(value))
        except redis.RedisError:
            pass

    def forget(self, key):
        try:
            self._redis.delete(key)
        except redis.RedisError:
            pass

    def ping(self):
        self._redis.ping()


class Queue:
    """Publishes with the broker's confirmation. pika's connection belongs to one thread at a time."""

    def __init__(self, url, name):
        self._parameters = pika.URLParameters(url)
        # Nobody would answer heartbeats between two orders.
        self._parameters.heartbeat = 0
        self._parameters.socket_timeout = CONNECT_SECONDS
        self._parameters.blocked_connection_timeout = CONNECT_SECONDS
        self._name = name
        self._channel = None
        self._lock = threading.Lock()

    def _open(self):
        if self._channel is None or not self._channel.is_open:
            self._channel = pika.BlockingConnection(self._parameters).channel()
            self._channel.queue_declare(self._name, durable=True)
            self._channel.confirm_delivery()
        return self._channel

    def publish(self, message):
        body = json.dumps(message).encode()
        with self._lock:
            try:
                self._send(body)
            except (pika.exceptions.AMQPError, OSError):
                # The broker restarted since the last order.
                self._channel = None
                self._send(body)

    def _send(self, body):
        properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
        self._open().basic_publish("", self._name, body, properties, mandatory=True)

    def ping(self):
        with self._lock:
            self._open().connection.process_data_events(0)


class Ledger:
    """Shipped orders are booked in Oracle where LEDGER_DSN names one (profile oracle)."""

    def __init__(self):
        self._dsn = os.environ.get("LEDGER_DSN", "")

    def book(self, order_id, cents):
        if self._dsn == "":
            return
        import oracledb

        user, password = os.environ["LEDGER_USER"], os.environ["LEDGER_PASSWORD"]
        with oracledb.connect(user=user, password=password, dsn=self._dsn, tcp_connect_timeout=CONNECT_SECONDS) as connection:
            connection.cursor().execute(
                "merge into bookings using dual on (order_id = :id) when not matched then insert values (:id, :cents, systimestamp)",
                id=order_id, cents=cents,
            )
            connection.commit()
