#pragma once
// TimelineWidget: the timeline in a window. Thin: gestures become calls of ViewState, painting is paint_timeline().
// On the UI thread.

#include "viewer/model/Index.h"
#include "viewer/model/ViewState.h"
#include "viewer/paint/Theme.h"

#include <QElapsedTimer>
#include <QWidget>

#include <memory>

namespace viewer {

class TimelineWidget : public QWidget {
    Q_OBJECT

public:
    explicit TimelineWidget(QWidget* parent = nullptr);

    /// Shows all of it; null shows nothing.
    void set_index(std::shared_ptr<const Index> index);
    const Index* index() const { return m_index.get(); }
    const ViewState& view() const { return m_view; }

    void set_filter(LaneFilter filter);
    void show_range(TimeRange range);
    void select(std::optional<Pick> pick);
    /// Selects and brings it into view.
    void reveal(Pick pick);
    /// Selects the point or call that stands for an event, if one does, and brings its time into view.
    void reveal_event(std::uint32_t row);
    /// Scrolls the lane of a thread into view, the newest one with that tid.
    void scroll_to_thread(std::uint32_t tid);
    /// The next (or previous) interval with this in its name. False if there is none.
    bool find(const QString& text, bool backwards);

    void fit_all();
    void fit_selection();
    void undo_zoom();

    QSize sizeHint() const override { return {1200, 600}; }
    QSize minimumSizeHint() const override { return {400, 160}; }

Q_SIGNALS:
    void selection_changed();
    void marked_changed();
    void view_changed();

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;

private:
    enum class Drag : std::uint8_t { None, Pan, Mark, Overview };

    void changed();
    void hover(QPointF at);
    void drag_overview(double x);
    std::int64_t now_ms() const { return m_clock.elapsed(); }
    double pointer_or_center() const;

    std::shared_ptr<const Index> m_index;
    ViewState m_view;
    Theme m_theme;
    QElapsedTimer m_clock;
    Drag m_drag = Drag::None;
    QPointF m_press;
    QPointF m_last;
    bool m_has_moved = false;
    Time m_mark_start = 0;
};

} // namespace viewer
