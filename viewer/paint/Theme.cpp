#include "viewer/paint/Theme.h"

#include <utility>

namespace viewer {
namespace {

QFont font_of(int pixel_size, QFont::Weight weight = QFont::Normal) {
    QFont font(QStringLiteral("DejaVu Sans"));
    font.setPixelSize(pixel_size);
    font.setWeight(weight);
    return font;
}

void set_fonts(Theme& theme) {
    theme.font = font_of(12);
    theme.small_font = font_of(10);
    theme.bold_font = font_of(12, QFont::DemiBold);
}

void set_fill(Theme& theme, Color color, QRgb rgb) {
    theme.fills[static_cast<unsigned>(color)] = rgb;
}

// Neighbours in this list are far apart in hue: threads get them in order.
constexpr std::array<QRgb, hue_count> dark_hues{
    0xff5b9bd5, 0xffe0975a, 0xff6fbf73, 0xffc77dba, 0xffd9b945, 0xff4fb8b0, 0xffdd6f74, 0xff8f8be0,
    0xff9fbf55, 0xffd08aa0, 0xff58a6e0, 0xffc79a6b, 0xff63c29a, 0xffb08ad9, 0xffe0a53f, 0xff7fa3b8,
};
constexpr std::array<QRgb, hue_count> light_hues{
    0xff6aa5df, 0xfff0a869, 0xff7cc580, 0xffd18fc6, 0xffe6c85a, 0xff60c2ba, 0xffe88489, 0xff9f9bec,
    0xffadcb68, 0xffdd9bb0, 0xff6eb6ec, 0xffd3ab80, 0xff75cda8, 0xffbd9ce3, 0xffecb655, 0xff90b3c7,
};

} // namespace

Theme Theme::dark() {
    Theme theme;
    theme.is_dark = true;
    theme.window = QColor(0x14, 0x17, 0x1c);
    theme.lane = QColor(0x1a, 0x1e, 0x25);
    theme.lane_odd = QColor(0x1e, 0x23, 0x2b);
    theme.gutter = QColor(0x22, 0x27, 0x30);
    theme.group = QColor(0x14, 0x17, 0x1c);
    theme.line = QColor(0x0f, 0x12, 0x16);
    theme.grid = QColor(0x2b, 0x31, 0x3b);
    theme.text = QColor(0xdd, 0xe2, 0xe9);
    theme.dim_text = QColor(0x8d, 0x97, 0xa5);
    theme.accent = QColor(0x4d, 0xb2, 0xff);
    theme.warning = QColor(0xff, 0x5c, 0x5c);
    theme.card = QColor(0x2a, 0x30, 0x3b);
    set_fill(theme, Color::None, 0xff3a424f);
    set_fill(theme, Color::Running, 0xff4fb36b);
    set_fill(theme, Color::Runnable, 0xffe3a33c);
    set_fill(theme, Color::Blocked, 0xff3d4654);
    set_fill(theme, Color::SystemCall, 0xff5b9bd5);
    set_fill(theme, Color::Interrupt, 0xffb08ad9);
    set_fill(theme, Color::PageFault, 0xffdd6f74);
    set_fill(theme, Color::Event, 0xffd9b945);
    set_fill(theme, Color::Lost, 0xffff5c5c);
    set_fill(theme, Color::Dead, 0xff2a2f38);
    for (unsigned i = 0; i < hue_count; ++i)
        set_fill(theme, hue(i), dark_hues[i]);
    set_fonts(theme);
    return theme;
}

Theme Theme::light() {
    Theme theme;
    theme.is_dark = false;
    theme.window = QColor(0xf1, 0xf3, 0xf6);
    theme.lane = QColor(0xff, 0xff, 0xff);
    theme.lane_odd = QColor(0xf8, 0xf9, 0xfb);
    theme.gutter = QColor(0xf1, 0xf3, 0xf6);
    theme.group = QColor(0xe6, 0xe9, 0xee);
    theme.line = QColor(0xdc, 0xe0, 0xe6);
    theme.grid = QColor(0xe9, 0xec, 0xf0);
    theme.text = QColor(0x1d, 0x23, 0x2b);
    theme.dim_text = QColor(0x6b, 0x75, 0x82);
    theme.accent = QColor(0x12, 0x6f, 0xd6);
    theme.warning = QColor(0xd6, 0x2f, 0x2f);
    theme.card = QColor(0xff, 0xff, 0xff);
    set_fill(theme, Color::None, 0xffd5dae1);
    set_fill(theme, Color::Running, 0xff58b873);
    set_fill(theme, Color::Runnable, 0xfff0b04c);
    set_fill(theme, Color::Blocked, 0xffd3d9e1);
    set_fill(theme, Color::SystemCall, 0xff6aa5df);
    set_fill(theme, Color::Interrupt, 0xffb491dd);
    set_fill(theme, Color::PageFault, 0xffe88489);
    set_fill(theme, Color::Event, 0xffc9a529);
    set_fill(theme, Color::Lost, 0xffd62f2f);
    set_fill(theme, Color::Dead, 0xffeceff3);
    for (unsigned i = 0; i < hue_count; ++i)
        set_fill(theme, hue(i), light_hues[i]);
    set_fonts(theme);
    return theme;
}

Theme Theme::from_palette(const QPalette& palette) {
    return palette.color(QPalette::Window).lightness() < 128 ? dark() : light();
}

QPalette Theme::palette() const {
    QPalette palette;
    for (auto [role, color] : {std::pair{QPalette::Window, gutter},
                               {QPalette::WindowText, text},
                               {QPalette::Base, lane},
                               {QPalette::AlternateBase, lane_odd},
                               {QPalette::Text, text},
                               {QPalette::Button, card},
                               {QPalette::ButtonText, text},
                               {QPalette::PlaceholderText, dim_text},
                               {QPalette::ToolTipBase, card},
                               {QPalette::ToolTipText, text},
                               {QPalette::Highlight, accent.darker(is_dark ? 170 : 100)},
                               {QPalette::HighlightedText, QColor(Qt::white)},
                               {QPalette::Link, accent}})
        palette.setColor(role, color);
    for (QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, dim_text);
    return palette;
}

QColor Theme::text_on(QRgb background) {
    // Luma of ITU-R BT.601, in thousandths.
    int luma = (299 * qRed(background) + 587 * qGreen(background) + 114 * qBlue(background)) / 1000;
    return luma > 115 ? QColor(0x10, 0x13, 0x18) : QColor(0xf4, 0xf6, 0xf9);
}

QRgb mixed(QRgb under, QRgb over, float share) {
    auto channel = [&](int a, int b) {
        return static_cast<int>(static_cast<float>(a) + static_cast<float>(b - a) * share + 0.5f);
    };
    return qRgb(channel(qRed(under), qRed(over)), channel(qGreen(under), qGreen(over)),
                channel(qBlue(under), qBlue(over)));
}

} // namespace viewer
