#include "tracer/instance/Process.h"

#include "tracer/link/Socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace tracer {

Result<pid_t> spawn(const std::vector<std::string>& command, std::span<const int> inherited,
                    const std::filesystem::path& log) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& word : command)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const FileDescriptor output(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const FileDescriptor input(open("/dev/null", O_RDONLY | O_CLOEXEC));
    int failure[2];
    if (!output || !input || pipe2(failure, O_CLOEXEC) != 0)
        return fail_errno(fmt::format("cannot prepare to run {}", command.front()), errno);
    const FileDescriptor failure_read(failure[0]);
    FileDescriptor failure_write(failure[1]);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0)
        return fail_errno("cannot make a process", errno);
    if (child == 0) {
        // Between fork and exec: only functions that are safe in a signal handler.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        for (const int number : {SIGPIPE, SIGTTIN, SIGTTOU, SIGINT, SIGTERM, SIGHUP, SIGCHLD})
            signal(number, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        dup2(input.get(), STDIN_FILENO);
        dup2(output.get(), STDOUT_FILENO);
        dup2(output.get(), STDERR_FILENO);
        for (const int descriptor : inherited)
            fcntl(descriptor, F_SETFD, 0);
        if (getppid() == parent)
            execv(arguments[0], arguments.data());
        const int error = errno;
        if (write(failure_write.get(), &error, sizeof error) < 0)
            _exit(126);
        _exit(127);
    }
    failure_write.reset();
    int error = 0;
    if (read(failure_read.get(), &error, sizeof error) == sizeof error) {
        waitpid(child, nullptr, 0);
        return fail_errno(fmt::format("cannot run {}", command.front()), error);
    }
    return child;
}

std::string describe_wait_status(int wait_status) {
    if (WIFSIGNALED(wait_status))
        return fmt::format("signal {} ({})", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
    return fmt::format("exit status {}", WEXITSTATUS(wait_status));
}

} // namespace tracer
