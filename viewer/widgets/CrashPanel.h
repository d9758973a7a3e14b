#pragma once
// CrashPanel: a crash's threads, and the stack, registers and instructions of the chosen one. On the UI thread.

#include "viewer/model/CrashReport.h"

#include <QWidget>

#include <memory>

class QLabel;
class QTreeWidget;

namespace viewer {

class CrashPanel : public QWidget {
    Q_OBJECT

public:
    explicit CrashPanel(QWidget* parent = nullptr);

    /// Chooses the culprit; null shows nothing.
    void set_report(std::shared_ptr<const CrashReport> report);
    void choose_thread(std::size_t index);

    QTreeWidget& threads() { return *m_threads; }
    QTreeWidget& stack() { return *m_stack; }
    QTreeWidget& registers() { return *m_registers; }
    QTreeWidget& instructions() { return *m_instructions; }

    QSize sizeHint() const override { return {1000, 300}; }

Q_SIGNALS:
    void thread_chosen(std::uint32_t tid);

private:
    void show_thread(std::size_t index);

    std::shared_ptr<const CrashReport> m_report;
    QLabel* m_reason;
    QTreeWidget* m_threads;
    QTreeWidget* m_stack;
    QTreeWidget* m_registers;
    QTreeWidget* m_instructions;
};

} // namespace viewer
