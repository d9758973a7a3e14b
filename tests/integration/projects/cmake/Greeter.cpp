#include <iostream>
#include <string>

std::string greeting_for(const std::string& name);

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i)
        std::cout << greeting_for(argv[i]) << '\n';
    return argc - 1;
}
