# The reference of bench/catalog.mjs: flock(2) around the same read, write, fsync and rename. Usage: flock-worker.py <file> <updates>
import fcntl, json, os, sys, time

file, updates = sys.argv[1], int(sys.argv[2])
folder = os.path.dirname(file)
waits = []
for i in range(updates):
    begin = time.monotonic()
    with open(file + ".flock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waits.append(time.monotonic() - begin)
        with open(file) as f:
            catalog = json.load(f)
        catalog["counter"] = catalog.get("counter", 0) + 1
        temp = "%s.%d" % (file, os.getpid())
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, json.dumps(catalog, indent=2).encode())
        os.fsync(fd)
        os.close(fd)
        os.rename(temp, file)
        d = os.open(folder, os.O_RDONLY)
        os.fsync(d)
        os.close(d)
print(json.dumps([w * 1000 for w in waits]))
