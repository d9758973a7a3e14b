#include "samples/shop/Ledger.h"

#include <sqlite3.h>

#include <stdexcept>

namespace shop {

namespace {

constexpr const char* schema = R"(
    CREATE TABLE IF NOT EXISTS orders (
        id       INTEGER PRIMARY KEY,
        article  TEXT    NOT NULL,
        quantity INTEGER NOT NULL,
        cents    INTEGER NOT NULL,
        worker   INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS stock (
        article  TEXT PRIMARY KEY,
        sold     INTEGER NOT NULL
    ) WITHOUT ROWID;
)";

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
    sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

} // namespace

Ledger::Ledger(const std::string& path) {
    sqlite3* database = nullptr;
    int status = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    m_database.reset(database);
    if (status != SQLITE_OK)
        fail(("cannot open " + path).c_str());
    execute(schema);
    m_insert_order = prepare("INSERT INTO orders (id, article, quantity, cents, worker) VALUES (?, ?, ?, ?, ?)");
    m_take_from_stock = prepare("INSERT INTO stock (article, sold) VALUES (?1, ?2) "
                                "ON CONFLICT (article) DO UPDATE SET sold = sold + ?2");
}

Ledger::~Ledger() = default;

void Ledger::book(const Order& order, int worker) {
    std::lock_guard lock(m_lock);
    execute("BEGIN IMMEDIATE");
    bind_text(m_take_from_stock.get(), 1, articles[order.article].name);
    sqlite3_bind_int64(m_take_from_stock.get(), 2, order.quantity);
    run(m_take_from_stock.get());

    sqlite3_bind_int64(m_insert_order.get(), 1, order.id);
    bind_text(m_insert_order.get(), 2, articles[order.article].name);
    sqlite3_bind_int64(m_insert_order.get(), 3, order.quantity);
    sqlite3_bind_int64(m_insert_order.get(), 4, order.total_cents());
    sqlite3_bind_int(m_insert_order.get(), 5, worker);
    run(m_insert_order.get());
    execute("COMMIT");
}

Totals Ledger::totals() {
    std::lock_guard lock(m_lock);
    auto statement = prepare("SELECT count(*), total(quantity), total(cents) FROM orders");
    if (sqlite3_step(statement.get()) != SQLITE_ROW)
        fail("cannot add up the orders");
    return {sqlite3_column_int64(statement.get(), 0), sqlite3_column_int64(statement.get(), 1),
            sqlite3_column_int64(statement.get(), 2)};
}

int64_t Ledger::articles_sold() {
    std::lock_guard lock(m_lock);
    return read_number("SELECT coalesce(sum(sold), 0) FROM stock");
}

int64_t Ledger::next_order_id() {
    std::lock_guard lock(m_lock);
    return read_number("SELECT coalesce(max(id), 0) + 1 FROM orders");
}

void Ledger::execute(const char* sql) {
    if (sqlite3_exec(m_database.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        fail(sql);
}

Ledger::Statement Ledger::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(m_database.get(), sql, -1, &statement, nullptr) != SQLITE_OK)
        fail(sql);
    return Statement(statement);
}

int64_t Ledger::read_number(const char* sql) {
    auto statement = prepare(sql);
    if (sqlite3_step(statement.get()) != SQLITE_ROW)
        fail(sql);
    return sqlite3_column_int64(statement.get(), 0);
}

void Ledger::run(sqlite3_stmt* statement) {
    int status = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (status != SQLITE_DONE)
        fail(sqlite3_sql(statement));
}

void Ledger::fail(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + sqlite3_errmsg(m_database.get()));
}

void Ledger::CloseDatabase::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

void Ledger::FinalizeStatement::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

} // namespace shop
