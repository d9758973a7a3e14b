#pragma once
// LegendBar: the legend below the timeline.

#include "viewer/paint/Theme.h"

#include <QWidget>

namespace viewer {

class LegendBar : public QWidget {
    Q_OBJECT

public:
    explicit LegendBar(QWidget* parent = nullptr);

protected:
    void paintEvent(QPaintEvent* event) override;
};

} // namespace viewer
