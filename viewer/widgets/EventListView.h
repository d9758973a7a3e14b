#pragma once
// EventListView: the event table as a list that knows only the rows that it paints. A table of a hundred million events
// opens as fast as one of ten: no item, height or selection state is kept for a row. On the UI thread.

#include "viewer/model/Index.h"

#include <QAbstractScrollArea>

#include <memory>
#include <optional>
#include <vector>

namespace viewer {

class EventListView : public QAbstractScrollArea {
    Q_OBJECT

public:
    explicit EventListView(QWidget* parent = nullptr);

    void set_index(std::shared_ptr<const Index> index);
    /// Shows only these events (rows of the timeline's table, in order); nothing: all.
    void set_rows(std::optional<std::vector<std::uint32_t>> rows);

    std::int64_t line_count() const;
    std::optional<std::uint32_t> current_row() const { return m_current; }
    /// Makes the first shown event at or after `time` the topmost line.
    void scroll_to_time(Time time);
    /// Makes the event current and visible, if it is among the shown ones.
    void set_current_row(std::uint32_t row);
    /// "1.234567 s", "0", "worker 1", "sched_switch", "prev_tid=3, next_tid=0".
    QString text_of(std::uint32_t row, int column) const;

Q_SIGNALS:
    /// Clicked, or reached by the keys.
    void row_chosen(std::uint32_t row);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    std::uint32_t row_at(std::int64_t line) const;
    /// The line of the first shown row at or behind `row`.
    std::int64_t line_of(std::uint32_t row) const;
    int line_height() const;
    int header_height() const;
    int lines_a_page() const;
    void update_scroll_bar();
    void choose(std::int64_t line);
    void measure_columns();

    std::shared_ptr<const Index> m_index;
    std::optional<std::vector<std::uint32_t>> m_rows;
    std::optional<std::uint32_t> m_current;
    std::vector<int> m_column_x; // left edges
};

} // namespace viewer
