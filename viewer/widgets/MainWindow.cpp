#include "viewer/widgets/MainWindow.h"

#include "viewer/model/TimeText.h"
#include "viewer/paint/Render.h"
#include "viewer/widgets/CrashPanel.h"
#include "viewer/widgets/DetailsPanel.h"
#include "viewer/widgets/EventListView.h"
#include "viewer/widgets/EventPanel.h"
#include "viewer/widgets/HelpDialog.h"
#include "viewer/widgets/LanesPanel.h"
#include "viewer/widgets/LegendBar.h"
#include "viewer/widgets/LoadTask.h"
#include "viewer/widgets/SummaryPanel.h"
#include "viewer/widgets/TimelineWidget.h"

#include <QAction>
#include <QDockWidget>
#include <QDropEvent>
#include <QFileDialog>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QMimeData>
#include <QProgressBar>
#include <QSettings>
#include <QStackedWidget>
#include <QStatusBar>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>

namespace viewer {
namespace {

constexpr int page_message = 0;
constexpr int page_timeline = 1;
constexpr int layout_version = 1; // another one forgets where the docks were

} // namespace

MainWindow::MainWindow() {
    setWindowTitle(tr("Uniscope"));
    setAcceptDrops(true);
    resize(1440, 900);
    build_center();
    build_docks();
    build_tool_bar();
    connect_parts();
    show_message(tr("No trace is open"), tr("Open one with Ctrl+O, or drop a trace directory here.\n"
                                            "uniscope record makes one."));
    QSettings settings;
    restoreGeometry(settings.value(QStringLiteral("window/geometry")).toByteArray());
    restoreState(settings.value(QStringLiteral("window/docks")).toByteArray(), layout_version);
    m_crash_dock->hide(); // until there is one
}

MainWindow::~MainWindow() = default;

void MainWindow::build_center() {
    auto* message_page = new QWidget(this);
    m_message = new QLabel(message_page);
    m_message->setAlignment(Qt::AlignCenter);
    m_message->setWordWrap(true);
    m_message->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_progress = new QProgressBar(message_page);
    m_progress->setRange(0, 100);
    m_progress->setFixedWidth(360);
    m_cancel = new QToolButton(message_page);
    m_cancel->setText(tr("Cancel"));
    auto* column = new QVBoxLayout(message_page);
    column->addStretch(2);
    column->addWidget(m_message);
    column->addWidget(m_progress, 0, Qt::AlignHCenter);
    column->addWidget(m_cancel, 0, Qt::AlignHCenter);
    column->addStretch(3);

    auto* timeline_page = new QWidget(this);
    m_timeline = new TimelineWidget(timeline_page);
    auto* timeline_column = new QVBoxLayout(timeline_page);
    timeline_column->setContentsMargins(0, 0, 0, 0);
    timeline_column->setSpacing(0);
    timeline_column->addWidget(m_timeline, 1);
    timeline_column->addWidget(new LegendBar(timeline_page));

    m_center = new QStackedWidget(this);
    m_center->addWidget(message_page);
    m_center->addWidget(timeline_page);
    setCentralWidget(m_center);
    m_status = new QLabel(this);
    statusBar()->addPermanentWidget(m_status);
}

void MainWindow::build_docks() {
    auto add = [&](const char* name, const QString& title, QWidget* content, Qt::DockWidgetArea area) {
        auto* dock = new QDockWidget(title, this);
        dock->setObjectName(QString::fromLatin1(name));
        dock->setWidget(content);
        addDockWidget(area, dock);
        return dock;
    };
    m_details = new DetailsPanel(this);
    m_summary = new SummaryPanel(this);
    m_lanes = new LanesPanel(this);
    m_events = new EventPanel(this);
    m_crash = new CrashPanel(this);
    add("details", tr("Details"), m_details, Qt::RightDockWidgetArea);
    add("summary", tr("Marked range"), m_summary, Qt::RightDockWidgetArea);
    add("lanes", tr("Lanes"), m_lanes, Qt::RightDockWidgetArea);
    m_crash_dock = add("crash", tr("Crash"), m_crash, Qt::TopDockWidgetArea);
    QDockWidget* events = add("events", tr("Events"), m_events, Qt::BottomDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    resizeDocks({events}, {240}, Qt::Vertical);
}

void MainWindow::build_tool_bar() {
    QToolBar* bar = addToolBar(tr("Tools"));
    bar->setObjectName(QStringLiteral("tools"));
    bar->setMovable(false);
    auto add = [&](const QString& text, const QKeySequence& keys, auto slot) {
        QAction* action = bar->addAction(text);
        action->setShortcut(keys);
        action->setToolTip(keys.isEmpty() ? text : QStringLiteral("%1 (%2)").arg(text, keys.toString()));
        connect(action, &QAction::triggered, this, slot);
        return action;
    };
    add(tr("Open…"), QKeySequence::Open, [this] { choose_trace(); });
    add(tr("Save picture…"), QKeySequence::Save, [this] { save_picture(); });
    bar->addSeparator();
    add(tr("Show all"), {}, [this] { m_timeline->fit_all(); });
    add(tr("Fit selection"), {}, [this] { m_timeline->fit_selection(); });
    add(tr("Undo zoom"), {}, [this] { m_timeline->undo_zoom(); });
    bar->addSeparator();
    m_search = new QLineEdit(bar);
    m_search->setPlaceholderText(tr("Find by name (/)"));
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(260);
    bar->addWidget(m_search);
    bar->addSeparator();
    for (QDockWidget* dock : findChildren<QDockWidget*>())
        bar->addAction(dock->toggleViewAction());
    bar->addSeparator();
    add(tr("Keys (?)"), {}, [this] { show_help(); });

    auto shortcut = [&](const QKeySequence& keys, auto slot) {
        auto* action = new QAction(this);
        action->setShortcut(keys);
        connect(action, &QAction::triggered, this, slot);
        addAction(action);
    };
    shortcut(QKeySequence::Quit, [this] { close(); });
    shortcut(QKeySequence::Find, [this] { m_search->setFocus(); });
    shortcut(QKeySequence(Qt::CTRL | Qt::Key_E), [this] { m_events->filter_box().setFocus(); });
    shortcut(QKeySequence(Qt::CTRL | Qt::Key_L), [this] { m_lanes->pattern_box().setFocus(); });
}

void MainWindow::connect_parts() {
    connect(m_timeline, &TimelineWidget::selection_changed, this, &MainWindow::selection_changed);
    connect(m_timeline, &TimelineWidget::view_changed, this, &MainWindow::view_changed);
    connect(m_timeline, &TimelineWidget::marked_changed, this,
            [this] { m_summary->show_range(m_timeline->view().marked); });
    connect(m_lanes, &LanesPanel::filter_changed, this, [this] { m_timeline->set_filter(m_lanes->filter()); });
    connect(&m_events->list(), &EventListView::row_chosen, this, [this](std::uint32_t row) {
        m_timeline->reveal_event(row);
        m_details->show_event(row);
    });
    connect(m_crash, &CrashPanel::thread_chosen, this,
            [this](std::uint32_t tid) { m_timeline->scroll_to_thread(tid); });
    connect(m_search, &QLineEdit::returnPressed, this, [this] {
        bool backwards = QGuiApplication::keyboardModifiers().testFlag(Qt::ShiftModifier);
        if (m_timeline->find(m_search->text(), backwards))
            statusBar()->clearMessage();
        else
            statusBar()->showMessage(tr("Nothing in the shown lanes is called \"%1\".").arg(m_search->text()), 5000);
    });
    connect(m_cancel, &QToolButton::clicked, this, [this] {
        if (m_task)
            m_task->cancel();
    });
}

void MainWindow::open(const QString& path, const QString& image) {
    m_task = std::make_unique<LoadTask>(path, image);
    show_message(tr("Opening %1").arg(path), {});
    m_progress->setValue(0);
    m_progress->setVisible(true);
    m_cancel->setVisible(true);
    connect(m_task.get(), &LoadTask::progressed, this,
            [this](double share) { m_progress->setValue(static_cast<int>(share * 100)); });
    connect(m_task.get(), &LoadTask::loaded, this, &MainWindow::show_document);
    connect(m_task.get(), &LoadTask::failed, this, [this, path](const QString& message, bool is_cancelled) {
        if (is_cancelled && m_document.index)
            m_center->setCurrentIndex(page_timeline);
        else if (is_cancelled)
            show_message(tr("Not opened"), tr("Opening %1 was cancelled.").arg(path));
        else
            show_message(tr("%1 cannot be opened").arg(path), message);
        Q_EMIT load_failed();
    });
    m_task->start();
}

void MainWindow::show_document(const Document& document) {
    m_document = document;
    setWindowTitle(tr("%1 – Uniscope").arg(QString::fromStdString(document.title)));
    m_crash->set_report(document.crash);
    m_crash_dock->setVisible(document.crash != nullptr);
    m_lanes->set_index(document.index);
    m_details->set_index(document.index);
    m_summary->set_index(document.index);
    m_events->set_index(document.index);
    m_timeline->set_index(document.index);
    m_timeline->set_filter(m_lanes->filter());
    if (document.index) {
        m_center->setCurrentIndex(page_timeline);
        m_timeline->setFocus();
    } else {
        show_message(tr("No events"), tr("This core holds no trace: the recorder was off, or its memory was lost."));
    }
    Q_EMIT document_shown();
}

void MainWindow::show_range(TimeRange range) {
    m_timeline->show_range(range);
}

void MainWindow::set_lane_pattern(const QString& pattern) {
    m_lanes->set_pattern(pattern);
}

QString MainWindow::message() const {
    return m_center->currentIndex() == page_message ? m_message->text() : QString();
}

void MainWindow::show_message(const QString& title, const QString& text) {
    m_progress->setVisible(false);
    m_cancel->setVisible(false);
    m_message->setText(
        QStringLiteral("<p style='font-size:large'><b>%1</b></p><p>%2</p>")
            .arg(title.toHtmlEscaped(), text.toHtmlEscaped().replace(QLatin1Char('\n'), QLatin1String("<br>"))));
    m_center->setCurrentIndex(page_message);
}

void MainWindow::selection_changed() {
    const std::optional<Pick> selected = m_timeline->view().selected;
    m_details->show_pick(selected);
    if (!selected || !m_document.index)
        return;
    const Index& index = *m_document.index;
    const Interval interval = index.interval(*selected);
    if (index.role(*selected) == TrackRole::Points)
        m_events->list().set_current_row(interval.source);
    else
        m_events->list().scroll_to_time(interval.begin);
}

void MainWindow::view_changed() {
    const TimeRange visible = m_timeline->view().visible();
    const Time step = std::max<Time>(1, visible.length() / 1000);
    m_status->setText(tr("%1 – %2   (%3)")
                          .arg(QString::fromStdString(time_text(visible.begin, step)),
                               QString::fromStdString(time_text(visible.end, step)),
                               QString::fromStdString(duration_text(visible.length()))));
}

void MainWindow::choose_trace() {
    QString path = QFileDialog::getExistingDirectory(this, tr("Open a trace directory"));
    if (!path.isEmpty())
        open(path);
}

void MainWindow::save_picture() {
    if (!m_document.index && !m_document.crash)
        return;
    QString path = QFileDialog::getSaveFileName(this, tr("Save the picture"), QStringLiteral("timeline.png"),
                                                tr("Pictures (*.png *.svg)"));
    if (path.isEmpty())
        return;
    RenderOptions options;
    options.range = m_timeline->view().visible();
    options.size = QSize(m_timeline->width(), 0);
    options.scale = devicePixelRatioF();
    options.filter = m_timeline->view().filter();
    options.theme = Theme::from_palette(palette());
    auto result = render_file(m_document, options, path);
    if (!result)
        QMessageBox::warning(this, tr("Not saved"), QString::fromStdString(result.error()));
}

void MainWindow::show_help() {
    auto* help = new HelpDialog(this);
    help->setAttribute(Qt::WA_DeleteOnClose);
    help->show();
}

void MainWindow::keyPressEvent(QKeyEvent* event) {
    if (event->text() == QLatin1String("?"))
        show_help();
    else if (event->text() == QLatin1String("/"))
        m_search->setFocus();
    else if (event->key() == Qt::Key_Escape)
        m_timeline->setFocus();
    else
        QMainWindow::keyPressEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (event->mimeData()->hasUrls() && event->mimeData()->urls().first().isLocalFile())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    event->acceptProposedAction();
    open(event->mimeData()->urls().first().toLocalFile());
}

void MainWindow::closeEvent(QCloseEvent* event) {
    QSettings settings;
    settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
    settings.setValue(QStringLiteral("window/docks"), saveState(layout_version));
    QMainWindow::closeEvent(event);
}

} // namespace viewer
