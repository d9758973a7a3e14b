#include "libos/process/Machine.h"

#include "libos/drivers/Power.h"
#include "libos/process/Random.h"

namespace process {

namespace {
constinit drivers::Power g_power;
constinit drivers::Devices g_devices;
} // namespace

void initialize_machine(drivers::Platform& platform, const drivers::AcpiTables& tables, std::string_view command_line) {
    g_power.discover(platform, tables);
    g_devices = drivers::initialize(platform, tables, command_line);
}

const drivers::Devices& devices() {
    return g_devices;
}
void power_off() {
    g_power.off();
}

} // namespace process
