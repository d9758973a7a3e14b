# What `./dev demo` does with gdb in a shop that serves: a backtrace from the kernel through SQLite to main, a variable
# of the app, and the shop left serving. `uniscope gdb NAME -- -batch -x attach.gdb` has connected already.
set pagination off
set confirm off
set width 0
set print frame-arguments scalars

# main looks in the books once a second ...
break shop::Ledger::articles_sold
continue
printf "\n-- main looks in the books:\n"
backtrace 3
printf "\n-- a variable of the app:\n"
frame 2
print settings.rate
delete

# ... and SQLite reads the database file for it: stop where the kernel has a system call of main, which is thread 1.
break syscalls::dispatch thread 1
continue
printf "\n-- from the kernel through SQLite to main:\n"
backtrace
delete
printf "\n-- all threads:\n"
info threads
detach
