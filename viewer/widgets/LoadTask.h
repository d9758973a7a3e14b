#pragma once
// LoadTask: loads a document on a worker thread, with progress, and can be cancelled. One task, one document. Its
// signals arrive on the thread that made it.

#include "viewer/model/Document.h"

#include <QObject>
#include <QString>

#include <atomic>
#include <thread>

namespace viewer {

class LoadTask : public QObject {
    Q_OBJECT

public:
    explicit LoadTask(QString path, QString image = {}, QObject* parent = nullptr);
    /// Cancels, and waits for the worker.
    ~LoadTask() override;

    const QString& path() const { return m_path; }
    void start();
    void cancel() { m_is_cancelled = true; }

Q_SIGNALS:
    /// 0 to 1.
    void progressed(double share);
    void loaded(const viewer::Document& document);
    /// A sentence for the user; `is_cancelled`: they asked for it.
    void failed(const QString& message, bool is_cancelled);

private:
    void run();

    QString m_path;
    QString m_image;
    std::atomic<bool> m_is_cancelled = false;
    std::thread m_thread;
};

} // namespace viewer
