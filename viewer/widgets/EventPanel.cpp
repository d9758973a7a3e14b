#include "viewer/widgets/EventPanel.h"

#include "viewer/model/EventQuery.h"
#include "viewer/widgets/EventListView.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QTimer>
#include <QVBoxLayout>

namespace viewer {

EventPanel::EventPanel(QWidget* parent)
    : QWidget(parent)
    , m_list(new EventListView(this))
    , m_filter(new QLineEdit(this))
    , m_count(new QLabel(this))
    , m_delay(new QTimer(this))
    , m_generation(std::make_shared<std::atomic<std::uint64_t>>(0)) {
    m_filter->setPlaceholderText(tr("Filter: words of name, thread or fields; cpu:1 tid:12 name:read -word"));
    m_filter->setClearButtonEnabled(true);
    m_delay->setSingleShot(true);
    m_delay->setInterval(120);
    m_pool.setMaxThreadCount(1);
    auto* line = new QHBoxLayout;
    line->setContentsMargins(6, 4, 6, 4);
    line->addWidget(m_filter, 1);
    line->addWidget(m_count);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->setSpacing(0);
    all->addLayout(line);
    all->addWidget(m_list, 1);
    connect(m_filter, &QLineEdit::textChanged, m_delay, qOverload<>(&QTimer::start));
    connect(m_delay, &QTimer::timeout, this, &EventPanel::start_filter);
}

EventPanel::~EventPanel() {
    ++*m_generation;
    m_pool.waitForDone();
}

void EventPanel::set_index(std::shared_ptr<const Index> index) {
    ++*m_generation;
    m_index = std::move(index);
    m_list->set_index(m_index);
    start_filter();
}

void EventPanel::start_filter() {
    const std::uint64_t generation = ++*m_generation;
    if (!m_index)
        return;
    const std::string text = m_filter->text().toStdString();
    if (EventQuery(*m_index, text).is_empty()) {
        m_list->set_rows(std::nullopt);
        tell_count();
        Q_EMIT filtered();
        return;
    }
    m_count->setText(tr("Filtering …"));
    m_pool.start([this, generation, text, index = m_index, newest = m_generation] {
        EventQuery query(*index, text);
        auto rows = query.all_matches([&](double) { return *newest == generation; });
        // `this` outlives the pool's threads; the call is dropped if it is gone when its turn comes.
        QMetaObject::invokeMethod(
            this, [this, generation, rows = std::move(rows)]() mutable { finish_filter(generation, std::move(rows)); },
            Qt::QueuedConnection);
    });
}

void EventPanel::finish_filter(std::uint64_t generation, std::vector<std::uint32_t> rows) {
    if (*m_generation != generation)
        return;
    m_list->set_rows(std::move(rows));
    tell_count();
    Q_EMIT filtered();
}

void EventPanel::tell_count() {
    const QLocale locale;
    const auto all = static_cast<qlonglong>(m_index->timeline().events().size());
    const qlonglong shown = m_list->line_count();
    m_count->setText(shown == all ? tr("%1 events").arg(locale.toString(all))
                                  : tr("%1 of %2").arg(locale.toString(shown), locale.toString(all)));
}

} // namespace viewer
