#include "viewer/widgets/CrashPanel.h"

#include <QFontDatabase>
#include <QHeaderView>
#include <QLabel>
#include <QSplitter>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>

namespace viewer {
namespace {

QString hex(std::uint64_t value) {
    return QStringLiteral("0x%1").arg(value, 0, 16);
}

QTreeWidget* make_list(const QStringList& titles, bool is_code, QSplitter* splitter) {
    auto* list = new QTreeWidget(splitter);
    list->setHeaderLabels(titles);
    list->setRootIsDecorated(false);
    list->setUniformRowHeights(true);
    list->setFrameShape(QFrame::NoFrame);
    list->setAccessibleName(titles.first());
    if (is_code)
        list->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    list->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
    list->header()->setStretchLastSection(true);
    return list;
}

} // namespace

CrashPanel::CrashPanel(QWidget* parent)
    : QWidget(parent)
    , m_reason(new QLabel(this)) {
    m_reason->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_reason->setWordWrap(true);
    m_reason->setContentsMargins(8, 4, 8, 4);
    auto* splitter = new QSplitter(this);
    m_threads = make_list({tr("Thread"), tr("tid"), tr("State")}, false, splitter);
    m_stack = make_list({tr("#"), tr("Function"), tr("Line")}, true, splitter);
    m_registers = make_list({tr("Register"), tr("Value")}, true, splitter);
    m_instructions = make_list({tr("Address"), tr("Instruction")}, true, splitter);
    splitter->setStretchFactor(0, 3);
    splitter->setStretchFactor(1, 5);
    splitter->setStretchFactor(2, 2);
    splitter->setStretchFactor(3, 4);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_reason);
    column->addWidget(splitter, 1);
    connect(m_threads, &QTreeWidget::currentItemChanged, this, [this](QTreeWidgetItem* item) {
        if (item)
            show_thread(static_cast<std::size_t>(m_threads->indexOfTopLevelItem(item)));
    });
}

void CrashPanel::set_report(std::shared_ptr<const CrashReport> report) {
    m_report = std::move(report);
    for (QTreeWidget* list : {m_threads, m_stack, m_registers, m_instructions})
        list->clear();
    if (!m_report) {
        m_reason->clear();
        return;
    }
    m_reason->setText(QStringLiteral("<b>%1</b>&nbsp;&nbsp;&nbsp;%2")
                          .arg(QString::fromStdString(m_report->reason).toHtmlEscaped(),
                               QString::fromStdString(m_report->origin).toHtmlEscaped()));
    QFont bold = m_threads->font();
    bold.setBold(true);
    for (std::size_t i = 0; i < m_report->threads.size(); ++i) {
        const CrashThread& thread = m_report->threads[i];
        auto* item = new QTreeWidgetItem(m_threads, {QString::fromStdString(thread.name), QString::number(thread.tid),
                                                     QString::fromStdString(thread.state)});
        if (i == m_report->culprit)
            item->setFont(0, bold);
    }
    choose_thread(m_report->culprit);
}

void CrashPanel::choose_thread(std::size_t index) {
    m_threads->setCurrentItem(m_threads->topLevelItem(static_cast<int>(index)));
}

void CrashPanel::show_thread(std::size_t index) {
    const CrashThread& thread = m_report->threads[index];
    m_stack->clear();
    for (std::size_t i = 0; i < thread.frames.size(); ++i) {
        const CrashFrame& frame = thread.frames[i];
        QString function = QString::fromStdString(frame.function);
        if (frame.is_inlined)
            function += tr("  (inlined)");
        auto* item =
            new QTreeWidgetItem(m_stack, {QString::number(i), function, QString::fromStdString(place_of(frame))});
        item->setToolTip(1, hex(frame.pc));
        item->setToolTip(2, QString::fromStdString(frame.file));
    }
    m_registers->clear();
    for (const CrashRegister& each : thread.registers)
        new QTreeWidgetItem(m_registers, {QString::fromStdString(each.name), QString::fromStdString(each.value)});
    m_instructions->clear();
    for (const CrashInstruction& instruction : thread.instructions) {
        auto* item =
            new QTreeWidgetItem(m_instructions, {hex(instruction.address), QString::fromStdString(instruction.text)});
        if (instruction.is_current)
            m_instructions->setCurrentItem(item);
    }
    Q_EMIT thread_chosen(thread.tid);
}

} // namespace viewer
