"""Customers' reviews of products: read, moderate, answer, delete."""

from datetime import UTC, datetime

from .answers import DONE, Call, not_found, unprocessable
from .database import Conditions, Database, json_text, listed, page, timestamp
from .exact_json import JsonObject


def _filters(query: JsonObject) -> Conditions:
    where = Conditions()
    if "rating" in query:
        where.add("rating = ?", float(query["rating"]))
    for key, comparison in (("startDate", ">="), ("endDate", "<=")):
        if key in query:
            where.add(f"created_at {comparison} ?", _moment(key, query[key]))
    where.add_one_of("product_id", listed(query.get("productId")))
    where.add_one_of("store_id", listed(query.get("storeId")))
    return where


def _moment(key: str, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise unprocessable(f"{key} must be a valid ISO 8601 date string") from error


def list_reviews(db: Database, call: Call) -> JsonObject:
    """GET /products/reviews"""
    where = _filters(call.query)
    column = "rating" if call.query.get("sortField") == "rating" else "created_at"
    direction = "asc" if call.query.get("sortOrder") == "asc" else "desc"
    found = db.docs(
        f"""select doc from reviews where {where}
            order by {column} {direction}, seq {direction} limit ? offset ?""",  # noqa: S608 - constants
        *where.values,
        *page(call.query),
    )
    total = db.number(f"select count(*) from reviews where {where}", *where.values)  # noqa: S608 - constants
    return {"data": found, "total": total}


def count_reviews(db: Database, call: Call) -> JsonObject:
    """GET /products/reviews/count"""
    where = _filters(call.query)
    rows = db.rows(
        f"select status, count(*) from reviews where {where} group by status order by status",  # noqa: S608
        *where.values,
    )
    return {"data": [{"status": row[0], "count": row[1]} for row in rows]}


def insert(db: Database, review: JsonObject) -> None:
    """Store a new review. No operation of the API does this: customers write reviews in the store."""
    db.run(
        """insert into reviews (id, product_id, store_id, status, rating, created_at, doc)
           values (?, ?, ?, ?, ?, ?, ?)""",
        review["_id"],
        review["productId"],
        review["storeId"],
        review["status"],
        float(review["rating"]),
        review["createdAt"],
        json_text(review),
    )


def _find(db: Database, review_id: str, product_id: str) -> JsonObject | None:
    return db.doc("select doc from reviews where id = ? and product_id = ?", review_id, product_id)


def _save(db: Database, review: JsonObject) -> None:
    review["updatedAt"] = db.now()
    db.run(
        "update reviews set status = ?, rating = ?, doc = ? where id = ?",
        review["status"],
        float(review["rating"]),
        json_text(review),
        review["_id"],
    )


def update_review(db: Database, call: Call) -> JsonObject:
    """PUT /products/reviews/{reviewId}: what is sent replaces, the list of replies included."""
    review = _find(db, call.path["reviewId"], call.body["productId"])
    if review is None:
        raise not_found("Review")
    changes = {key: value for key, value in call.body.items() if key not in {"altId", "altType", "productId"}}
    _save(db, review | changes)
    return dict(DONE)


def delete_review(db: Database, call: Call) -> JsonObject:
    """DELETE /products/reviews/{reviewId}"""
    review = _find(db, call.path["reviewId"], call.query["productId"])
    if review is None:
        raise not_found("Review")
    db.run("delete from reviews where id = ?", review["_id"])
    return dict(DONE)


def bulk_update_reviews(db: Database, call: Call) -> JsonObject:
    """POST /products/reviews/bulk-update: one status for many reviews."""
    for item in call.body["reviews"]:
        review = _find(db, item["reviewId"], item["productId"])
        if review is not None and review["storeId"] == item["storeId"]:
            _save(db, review | {"status": call.body["status"]})
    return dict(DONE)
