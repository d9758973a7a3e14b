#include "viewer/widgets/LoadTask.h"

namespace viewer {

LoadTask::LoadTask(QString path, QString image, QObject* parent)
    : QObject(parent)
    , m_path(std::move(path))
    , m_image(std::move(image)) {}

LoadTask::~LoadTask() {
    cancel();
    if (m_thread.joinable())
        m_thread.join();
}

void LoadTask::start() {
    m_thread = std::thread([this] { run(); });
}

void LoadTask::run() {
    int last_percent = -1;
    auto progress = [&](double share) {
        int percent = static_cast<int>(share * 100);
        if (percent != last_percent) {
            last_percent = percent;
            QMetaObject::invokeMethod(this, [this, share] { Q_EMIT progressed(share); }, Qt::QueuedConnection);
        }
        return !m_is_cancelled;
    };
    auto document = Document::load(m_path.toStdString(), progress, m_image.toStdString());
    QMetaObject::invokeMethod(
        this,
        [this, document = std::move(document)] {
            if (document && !m_is_cancelled) {
                Q_EMIT loaded(*document);
                return;
            }
            QString message;
            if (!document) {
                message = QString::fromStdString(document.error().message);
                if (!document.error().hint.empty())
                    message += QStringLiteral("\n") + QString::fromStdString(document.error().hint);
            }
            Q_EMIT failed(message, m_is_cancelled);
        },
        Qt::QueuedConnection);
}

} // namespace viewer
