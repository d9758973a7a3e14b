#pragma once
// EventPanel: the event list with its filter box. Filtering runs on a worker thread; typing on cancels it.

#include "viewer/model/Index.h"

#include <QThreadPool>
#include <QWidget>

#include <atomic>
#include <memory>

class QLabel;
class QLineEdit;
class QTimer;

namespace viewer {

class EventListView;

class EventPanel : public QWidget {
    Q_OBJECT

public:
    explicit EventPanel(QWidget* parent = nullptr);
    ~EventPanel() override;

    void set_index(std::shared_ptr<const Index> index);
    EventListView& list() { return *m_list; }
    QLineEdit& filter_box() { return *m_filter; }

Q_SIGNALS:
    /// The list shows what the filter box says.
    void filtered();

private:
    void start_filter();
    void finish_filter(std::uint64_t generation, std::vector<std::uint32_t> rows);
    void tell_count();

    std::shared_ptr<const Index> m_index;
    EventListView* m_list;
    QLineEdit* m_filter;
    QLabel* m_count;
    QTimer* m_delay;
    std::shared_ptr<std::atomic<std::uint64_t>> m_generation; // of the newest filter: older ones stop by themselves
    QThreadPool m_pool;                                       // last: waits for its threads before the rest is gone
};

} // namespace viewer
