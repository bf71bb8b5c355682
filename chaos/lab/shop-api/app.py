"""A small shop: products are read through the cache, orders go to the database and the queue, the worker ships them."""

import os
import socket

import pika
import psycopg2
from flask import Flask, jsonify, request

from stores import Cache, Database, Ledger, Queue

PRODUCT_SECONDS = 5

app = Flask(__name__)
database = Database(os.environ["DATABASE_URL"])
cache = Cache(os.environ["CACHE_URL"])
queue = Queue(os.environ["QUEUE_URL"], "orders")
ledger = Ledger()


def problem(status, title):
    return jsonify(status=status, title=title), status, {"content-type": "application/problem+json"}


@app.errorhandler(psycopg2.Error)
@app.errorhandler(psycopg2.pool.PoolError)
def database_failed(error):
    app.logger.warning("database: %s", str(error).strip())
    return problem(503, "the database does not answer")


@app.after_request
def name_replica(response):
    response.headers["x-served-by"] = socket.gethostname()
    return response


@app.get("/healthz")
def healthz():
    return "ok\n"


@app.get("/readyz")
def readyz():
    parts = {}
    for name, check in (("database", lambda: read_product("sku-1")), ("cache", cache.ping), ("queue", queue.ping)):
        try:
            check()
            parts[name] = "ok"
        except Exception as error:
            parts[name] = str(error).strip() or type(error).__name__
    return jsonify(parts), 200 if set(parts.values()) == {"ok"} else 503


def read_product(sku):
    with database.cursor() as cursor:
        cursor.execute("select price_cents, sold from products where sku = %s", (sku,))
        row = cursor.fetchone()
    return None if row is None else {"sku": sku, "priceCents": row[0], "sold": row[1]}


@app.get("/products/<sku>")
def get_product(sku):
    found = cache.get(f"product:{sku}")
    source = "cache"
    if found is None:
        found, source = read_product(sku), "database"
        if found is None:
            return problem(404, "no such product")
        cache.put(f"product:{sku}", found, PRODUCT_SECONDS)
    return jsonify(found), 200, {"x-source": source}


@app.post("/orders")
def place_order():
    wanted = request.get_json(silent=True) or {}
    sku, quantity = wanted.get("sku"), wanted.get("quantity")
    if not isinstance(sku, str) or type(quantity) is not int or not 1 <= quantity <= 100:
        return problem(400, "expected sku, and quantity from 1 to 100")
    with database.cursor() as cursor:
        cursor.execute(
            "insert into orders (sku, quantity, state) select sku, %s, 'placed' from products where sku = %s returning id",
            (quantity, sku),
        )
        row = cursor.fetchone()
    if row is None:
        return problem(404, "no such product")
    try:
        queue.publish({"id": row[0], "sku": sku, "quantity": quantity})
    except (pika.exceptions.AMQPError, OSError) as error:
        app.logger.warning("queue: %s", error or type(error).__name__)
        set_state(row[0], "placed", "refused")
        return problem(503, "the queue does not answer")
    return jsonify(id=row[0], state="placed"), 201


@app.get("/orders/<int:order_id>")
def get_order(order_id):
    with database.cursor() as cursor:
        cursor.execute("select sku, quantity, state from orders where id = %s", (order_id,))
        row = cursor.fetchone()
    if row is None:
        return problem(404, "no such order")
    return jsonify(id=order_id, sku=row[0], quantity=row[1], state=row[2])


def set_state(order_id, before, after):
    with database.cursor() as cursor:
        cursor.execute(
            "update orders set state = %s, shipped_at = case when %s = 'shipped' then now() end"
            " where id = %s and state = %s returning sku, quantity",
            (after, after, order_id, before),
        )
        return cursor.fetchone()


@app.post("/orders/<int:order_id>/shipped")
def ship_order(order_id):
    """The worker's word; said twice it counts once, for the queue delivers at least once."""
    shipped = set_state(order_id, "placed", "shipped")
    if shipped is not None:
        sku, quantity = shipped
        with database.cursor() as cursor:
            cursor.execute("update products set sold = sold + %s where sku = %s returning price_cents", (quantity, sku))
            cents = cursor.fetchone()[0] * quantity
        cache.forget(f"product:{sku}")
        try:
            ledger.book(order_id, cents)
        except Exception as error:
            app.logger.warning("ledger: %s", str(error).strip())
    return jsonify(id=order_id, state="shipped")
