#pragma once
// SummaryPanel: what happened in the marked range. Adds it up on a worker thread.

#include "viewer/model/RangeSummary.h"

#include <QThreadPool>
#include <QTreeWidget>

#include <memory>
#include <optional>

namespace viewer {

class SummaryPanel : public QTreeWidget {
    Q_OBJECT

public:
    explicit SummaryPanel(QWidget* parent = nullptr);
    ~SummaryPanel() override;

    void set_index(std::shared_ptr<const Index> index);
    void show_range(std::optional<TimeRange> range);

    QSize sizeHint() const override { return {320, 300}; }

Q_SIGNALS:
    void summarised();

private:
    void show_summary(const RangeSummary& summary);
    QTreeWidgetItem* section(const QString& title);

    std::shared_ptr<const Index> m_index;
    std::uint64_t m_generation = 0; // of the newest request: older results are dropped
    QThreadPool m_pool;             // last: waits for its threads before the rest is gone
};

} // namespace viewer
