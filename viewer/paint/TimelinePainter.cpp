#include "viewer/paint/TimelinePainter.h"

#include "viewer/paint/HoverCard.h"
#include "viewer/paint/LanePainter.h"
#include "viewer/paint/Marks.h"
#include "viewer/paint/Overview.h"
#include "viewer/paint/Ruler.h"

namespace viewer {

void paint_timeline(QPainter& painter, const Index& index, const ViewState& view, const Theme& theme) {
    const Scene scene{index, view, theme};
    painter.fillRect(QRect(0, 0, view.width(), view.height()), theme.window);
    LanePainter(painter, scene).paint();
    paint_overview(painter, scene);
    paint_ruler(painter, scene);
    paint_marks(painter, scene);
    paint_hover_card(painter, scene);
}

} // namespace viewer
