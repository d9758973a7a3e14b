#include "viewer/paint/CrashPainter.h"

#include <algorithm>

namespace viewer {
namespace {

constexpr int reason_height = 54;
constexpr int title_height = 24;
constexpr int line_height = 17;
constexpr int margin = 14;
constexpr size_t max_frames = 20;
constexpr size_t max_instructions = 18;
constexpr size_t max_others = 16;
constexpr size_t register_columns = 2;
constexpr int registers_width = 400;

QString hex(std::uint64_t value) {
    return QStringLiteral("0x%1").arg(value, 0, 16);
}

size_t lines_of(const CrashThread& thread) {
    return std::max({std::min(thread.frames.size(), max_frames), std::min(thread.instructions.size(), max_instructions),
                     (thread.registers.size() + register_columns - 1) / register_columns});
}

size_t other_lines(const CrashReport& report) {
    return report.threads.empty() ? 0 : std::min(report.threads.size() - 1, max_others);
}

/// The instructions to show when there is room for fewer: those around the current one.
std::pair<size_t, size_t> window_of(const std::vector<CrashInstruction>& instructions) {
    if (instructions.size() <= max_instructions)
        return {0, instructions.size()};
    auto current = static_cast<size_t>(
        std::find_if(instructions.begin(), instructions.end(), [](const auto& i) { return i.is_current; }) -
        instructions.begin());
    size_t first = current > max_instructions * 2 / 3 ? current - max_instructions * 2 / 3 : 0;
    first = std::min(first, instructions.size() - max_instructions);
    return {first, first + max_instructions};
}

} // namespace

CrashPainter::CrashPainter(QPainter& painter, const CrashReport& report, const Theme& theme)
    : m_painter(painter)
    , m_report(report)
    , m_theme(theme)
    , m_code_font(QStringLiteral("DejaVu Sans Mono")) {
    m_code_font.setPixelSize(11);
}

int CrashPainter::height_of(const CrashReport& report) {
    if (report.threads.empty())
        return reason_height;
    int height =
        reason_height + title_height + line_height * static_cast<int>(lines_of(report.threads[report.culprit]));
    if (size_t others = other_lines(report))
        height += title_height + line_height * static_cast<int>(others);
    return height + margin;
}

void CrashPainter::paint(QRect area) {
    m_painter.save();
    m_painter.setClipRect(area, Qt::IntersectClip);
    m_painter.fillRect(area, m_theme.lane);
    paint_reason(QRect(area.x(), area.y(), area.width(), reason_height));
    if (!m_report.threads.empty()) {
        const CrashThread& culprit = m_report.threads[m_report.culprit];
        const int height = title_height + line_height * static_cast<int>(lines_of(culprit));
        const QRect middle(area.x() + margin, area.y() + reason_height, area.width() - 2 * margin, height);
        const int rest = std::max(0, middle.width() - registers_width - 2 * margin);
        const int stack_width = rest * 11 / 20;
        paint_stack(QRect(middle.x(), middle.y(), stack_width, height), culprit);
        paint_registers(QRect(middle.x() + stack_width + margin, middle.y(), registers_width, height), culprit);
        paint_instructions(
            QRect(middle.x() + stack_width + registers_width + 2 * margin, middle.y(), rest - stack_width, height),
            culprit);
        paint_others(QRect(middle.x(), middle.bottom() + 1, middle.width(), area.bottom() - middle.bottom()));
    }
    m_painter.fillRect(QRect(area.x(), area.bottom(), area.width(), 1), m_theme.line);
    m_painter.restore();
}

int CrashPainter::text(QRect area, const QString& words, const QColor& color, const QFont& font) {
    const QFontMetrics metrics(font, m_painter.device());
    if (m_theme.draws_text && area.width() > 0) {
        m_painter.setFont(font);
        m_painter.setPen(color);
        m_painter.drawText(area, Qt::AlignLeft | Qt::AlignVCenter,
                           metrics.elidedText(words, Qt::ElideRight, area.width()));
    }
    return metrics.horizontalAdvance(words);
}

void CrashPainter::title(QRect area, const QString& words) {
    text(QRect(area.x(), area.y(), area.width(), title_height), words.toUpper(), m_theme.dim_text, m_theme.small_font);
}

void CrashPainter::paint_reason(QRect area) {
    m_painter.fillRect(area, QColor(mixed(m_theme.lane.rgb(), m_theme.warning.rgb(), m_theme.is_dark ? 0.22f : 0.12f)));
    m_painter.fillRect(QRect(area.x(), area.y(), 5, area.height()), m_theme.warning);
    QFont large = m_theme.bold_font;
    large.setPixelSize(15);
    const QRect inside = area.adjusted(margin, 6, -margin, -6);
    text(QRect(inside.x(), inside.y(), inside.width(), 23), QString::fromStdString(m_report.reason), m_theme.text,
         large);
    QString below = QString::fromStdString(m_report.origin);
    if (!m_report.threads.empty()) {
        const CrashThread& culprit = m_report.threads[m_report.culprit];
        QString who = QStringLiteral("thread %1 (tid %2), %3")
                          .arg(QString::fromStdString(culprit.name))
                          .arg(culprit.tid)
                          .arg(QString::fromStdString(culprit.state));
        below = below.isEmpty() ? who : who + QStringLiteral("  ·  ") + below;
    }
    text(QRect(inside.x(), inside.y() + 23, inside.width(), 18), below, m_theme.dim_text, m_theme.font);
}

void CrashPainter::paint_stack(QRect area, const CrashThread& thread) {
    title(area, QStringLiteral("Stack"));
    int y = area.y() + title_height;
    for (size_t i = 0; i < std::min(thread.frames.size(), max_frames); ++i, y += line_height) {
        const CrashFrame& frame = thread.frames[i];
        const bool is_cut = i + 1 == max_frames && thread.frames.size() > max_frames;
        if (i == 0)
            m_painter.fillRect(QRect(area.x() - 4, y, area.width() + 4, line_height),
                               QColor(mixed(m_theme.lane.rgb(), m_theme.warning.rgb(), 0.16f)));
        if (is_cut) {
            text(QRect(area.x(), y, area.width(), line_height),
                 QStringLiteral("… and %1 more").arg(thread.frames.size() - i), m_theme.dim_text, m_theme.font);
            return;
        }
        text(QRect(area.x(), y, 24, line_height), QStringLiteral("#%1").arg(i), m_theme.dim_text, m_code_font);
        const QString place = QString::fromStdString(place_of(frame));
        const int place_width = QFontMetrics(m_code_font, m_painter.device()).horizontalAdvance(place);
        QString function = QString::fromStdString(frame.function);
        if (frame.is_inlined)
            function += QStringLiteral("  (inlined)");
        text(QRect(area.x() + 28, y, area.width() - 28 - place_width - 12, line_height), function, m_theme.text,
             m_code_font);
        text(QRect(area.right() - place_width, y, place_width + 1, line_height), place, m_theme.accent, m_code_font);
    }
}

void CrashPainter::paint_registers(QRect area, const CrashThread& thread) {
    title(area, QStringLiteral("Registers"));
    const size_t lines = (thread.registers.size() + register_columns - 1) / register_columns;
    const int width = area.width() / static_cast<int>(register_columns);
    for (size_t i = 0; i < thread.registers.size(); ++i) {
        int x = area.x() + static_cast<int>(i / lines) * width;
        int y = area.y() + title_height + static_cast<int>(i % lines) * line_height;
        text(QRect(x, y, 56, line_height), QString::fromStdString(thread.registers[i].name), m_theme.dim_text,
             m_code_font);
        text(QRect(x + 58, y, width - 62, line_height), QString::fromStdString(thread.registers[i].value), m_theme.text,
             m_code_font);
    }
}

void CrashPainter::paint_instructions(QRect area, const CrashThread& thread) {
    title(area, QStringLiteral("Instructions"));
    int y = area.y() + title_height;
    auto [first, last] = window_of(thread.instructions);
    for (size_t i = first; i < last; ++i, y += line_height) {
        const CrashInstruction& instruction = thread.instructions[i];
        if (instruction.is_current) {
            m_painter.fillRect(QRect(area.x() - 4, y, area.width() + 4, line_height),
                               QColor(mixed(m_theme.lane.rgb(), m_theme.warning.rgb(), 0.16f)));
            text(QRect(area.x(), y, 14, line_height), QStringLiteral("→"), m_theme.warning, m_code_font);
        }
        int width = text(QRect(area.x() + 16, y, area.width() - 16, line_height), hex(instruction.address),
                         m_theme.dim_text, m_code_font);
        width = std::max(width, 80) + 12;
        text(QRect(area.x() + 16 + width, y, area.width() - 16 - width, line_height),
             QString::fromStdString(instruction.text), m_theme.text, m_code_font);
    }
}

void CrashPainter::paint_others(QRect area) {
    const size_t count = other_lines(m_report);
    if (count == 0)
        return;
    title(area, QStringLiteral("Other threads (%1)").arg(m_report.threads.size() - 1));
    int y = area.y() + title_height;
    size_t shown = 0;
    for (size_t i = 0; i < m_report.threads.size() && shown < count; ++i) {
        if (i == m_report.culprit)
            continue;
        ++shown;
        const CrashThread& thread = m_report.threads[i];
        text(QRect(area.x(), y, 170, line_height), QString::fromStdString(thread.name), m_theme.text, m_theme.font);
        text(QRect(area.x() + 176, y, 60, line_height), QStringLiteral("tid %1").arg(thread.tid), m_theme.dim_text,
             m_theme.font);
        text(QRect(area.x() + 240, y, 200, line_height), QString::fromStdString(thread.state), m_theme.dim_text,
             m_theme.font);
        QString stack;
        for (const CrashFrame& frame : thread.frames) {
            if (stack.size() > 300)
                break;
            stack += (stack.isEmpty() ? QString() : QStringLiteral("  ←  ")) + QString::fromStdString(frame.function);
        }
        text(QRect(area.x() + 446, y, area.width() - 446, line_height), stack, m_theme.text, m_code_font);
        y += line_height;
    }
}

} // namespace viewer
