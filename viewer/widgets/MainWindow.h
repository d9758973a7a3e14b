#pragma once
// MainWindow: one document in a window: the timeline in the middle, docks around it. Connects them, and does nothing
// itself. On the UI thread.

#include "viewer/model/Document.h"

#include <QMainWindow>

#include <memory>

class QDockWidget;
class QLabel;
class QLineEdit;
class QProgressBar;
class QStackedWidget;
class QToolButton;

namespace viewer {

class CrashPanel;
class DetailsPanel;
class EventPanel;
class LanesPanel;
class LoadTask;
class SummaryPanel;
class TimelineWidget;

class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    MainWindow();
    ~MainWindow() override;

    /// Loads on a worker thread, then shows it; an error is shown in words. Replaces what is open.
    /// `image` is a core's, if it is not where the core says.
    void open(const QString& path, const QString& image = {});
    void show_document(const Document& document);
    void show_range(TimeRange range);
    void set_lane_pattern(const QString& pattern);

    TimelineWidget& timeline() { return *m_timeline; }
    EventPanel& events() { return *m_events; }
    DetailsPanel& details() { return *m_details; }
    SummaryPanel& summary() { return *m_summary; }
    CrashPanel& crash() { return *m_crash; }
    LanesPanel& lanes() { return *m_lanes; }
    QLineEdit& search_box() { return *m_search; }
    /// What the window says instead of a timeline; empty when it shows one.
    QString message() const;

Q_SIGNALS:
    void document_shown();
    void load_failed();

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void build_center();
    void build_docks();
    void build_tool_bar();
    void connect_parts();
    void choose_trace();
    void save_picture();
    void show_help();
    void show_message(const QString& title, const QString& text);
    void selection_changed();
    void view_changed();

    Document m_document;
    std::unique_ptr<LoadTask> m_task;
    QStackedWidget* m_center = nullptr;
    QLabel* m_message = nullptr;
    QProgressBar* m_progress = nullptr;
    QToolButton* m_cancel = nullptr;
    TimelineWidget* m_timeline = nullptr;
    EventPanel* m_events = nullptr;
    DetailsPanel* m_details = nullptr;
    SummaryPanel* m_summary = nullptr;
    LanesPanel* m_lanes = nullptr;
    CrashPanel* m_crash = nullptr;
    QDockWidget* m_crash_dock = nullptr;
    QLineEdit* m_search = nullptr;
    QLabel* m_status = nullptr;
};

} // namespace viewer
