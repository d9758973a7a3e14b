-- Prints the same wherever Lua runs: strings, tables, closures, coroutines, errors, numbers, files, the environment.

local function section(name) print("-- " .. name) end

section("arguments")
for i = 1, #arg do print(i, arg[i]) end
print(os.getenv("GREETING"))

section("strings")
print(("uniscope"):rep(3, "-"), #"\u{1F980}", utf8.len("\u{1F980}x"))
print(string.format("%5d|%-8s|%08.3f|%x|%q", 42, "left", math.pi, 255, 'say "so"\n'))
print(("the quick brown fox"):gsub("%w+", function(w) return w:reverse() end))
print(string.unpack("<i4", string.pack("<i4", -7)))

section("numbers")
print(7 // 2, -7 // 2, 7 % -3, 2^53, 1e15, 10 / 3, math.maxinteger + 1 == math.mininteger)
print(math.floor(-3.5), math.tointeger(3.0), 0x10, 1 << 62, 0.1 + 0.2 == 0.3)

section("tables and sorting")
local words = {}
for word in ("pear apple fig banana cherry date"):gmatch("%a+") do words[#words + 1] = word end
table.sort(words, function(a, b) return #a ~= #b and #a < #b or #a == #b and a < b end)
print(table.concat(words, ","))
local big = {}
for i = 1, 200000 do big[i] = (i * 7919) % 200003 end
table.sort(big)
print(#big, big[1], big[100000], big[200000])

section("closures and coroutines")
local function counter()
  local n = 0
  return function() n = n + 1; return n end
end
local a, b = counter(), counter()
print(a(), a(), b())
local producer = coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i * i) end return "done" end)
for _ = 1, 6 do io.write(tostring(producer()), " ") end
print()

section("errors")
print(pcall(error, { code = 7 }) and "no error" or "error caught")
print(select(2, pcall(function() local nothing; return nothing.field end)))
print(select(2, xpcall(function() error("deep", 0) end, function(m) return m .. " handled" end)))
local function overflow(n) return 1 + overflow(n + 1) end
print((select(2, pcall(overflow, 1)):match("stack overflow")))

section("memory")
local before = collectgarbage("count")
do local garbage = {} for i = 1, 100000 do garbage[i] = { i } end end
collectgarbage()
print(collectgarbage("count") < before + 1024)

section("files")
local name = os.tmpname()
local file = assert(io.open(name, "w"))
for i = 1, 1000 do file:write("line ", i, "\n") end
file:close()
local lines, sum = 0, 0
for line in io.lines(name) do lines = lines + 1; sum = sum + tonumber(line:match("%d+")) end
print(lines, sum)
file = assert(io.open(name, "r+"))
print(file:seek("end"), file:seek("set", 5), file:read(1))
file:close()
print(os.remove(name), io.open(name) == nil)
