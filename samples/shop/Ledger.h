#pragma once
// Ledger: the books, an SQLite database file with a row for each order and the stock of each article.
//
// One connection behind one lock: any thread may call anything, and workers that book at the same time wait for each
// other. Errors of SQLite are thrown as std::runtime_error with its message.

#include "samples/shop/Order.h"

#include <memory>
#include <mutex>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace shop {

struct Totals {
    int64_t orders = 0;
    int64_t articles = 0;
    int64_t cents = 0;
};

class Ledger {
public:
    /// Opens the database and makes its tables where they are missing.
    explicit Ledger(const std::string& path);
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    /// Books one order and takes its articles from the stock, in one transaction.
    void book(const Order& order, int worker);

    /// Over all orders that the database holds, those of earlier runs included.
    Totals totals();

    /// Over all articles, from their stock: quick however many orders there are.
    int64_t articles_sold();

    /// The number after the largest that is booked.
    int64_t next_order_id();

private:
    struct CloseDatabase {
        void operator()(sqlite3* database) const;
    };
    struct FinalizeStatement {
        void operator()(sqlite3_stmt* statement) const;
    };
    using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

    void execute(const char* sql);
    Statement prepare(const char* sql);
    void run(sqlite3_stmt* statement);
    int64_t read_number(const char* sql);
    [[noreturn]] void fail(const char* what);

    std::mutex m_lock;
    std::unique_ptr<sqlite3, CloseDatabase> m_database;
    Statement m_insert_order;
    Statement m_take_from_stock;
};

} // namespace shop
