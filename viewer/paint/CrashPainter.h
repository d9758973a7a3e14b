#pragma once
// The picture of a crash: why, where, and what everybody else was doing. Pure, like paint_timeline().

#include "viewer/model/CrashReport.h"
#include "viewer/paint/Theme.h"

#include <QPainter>
#include <QRect>

namespace viewer {

class CrashPainter {
public:
    CrashPainter(QPainter& painter, const CrashReport& report, const Theme& theme);

    /// The height that shows all of it.
    static int height_of(const CrashReport& report);
    void paint(QRect area);

private:
    void paint_reason(QRect area);
    void paint_stack(QRect area, const CrashThread& thread);
    void paint_registers(QRect area, const CrashThread& thread);
    void paint_instructions(QRect area, const CrashThread& thread);
    void paint_others(QRect area);
    void title(QRect area, const QString& text);
    /// Text in one line, cut to `area`; returns its width.
    int text(QRect area, const QString& text, const QColor& color, const QFont& font);

    QPainter& m_painter;
    const CrashReport& m_report;
    const Theme& m_theme;
    QFont m_code_font;
};

} // namespace viewer
