#include "viewer/widgets/LegendBar.h"

#include "viewer/paint/Legend.h"

namespace viewer {

LegendBar::LegendBar(QWidget* parent)
    : QWidget(parent) {
    setFixedHeight(24);
    setAccessibleName(tr("Legend"));
}

void LegendBar::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    paint_legend(painter, Theme::from_palette(palette()), rect());
}

} // namespace viewer
