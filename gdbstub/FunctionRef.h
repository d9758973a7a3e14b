#pragma once
// FunctionRef<R(A...)>: a reference to something callable, for callbacks across an interface without a heap.
// Valid as long as the callable it was made from: pass it down, do not keep it.

#include <type_traits>
#include <utility>

namespace gdbstub {

template <typename Signature>
class FunctionRef;

template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
public:
    template <typename F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...>)
    // Implicit on purpose: a lambda is passed as it is.
    FunctionRef(F&& callable)
        : m_object(const_cast<void*>(static_cast<const void*>(__builtin_addressof(callable))))
        , m_call([](void* object, Args... args) -> R {
            return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}

    R operator()(Args... args) const { return m_call(m_object, std::forward<Args>(args)...); }

private:
    void* m_object;
    R (*m_call)(void*, Args...);
};

} // namespace gdbstub
