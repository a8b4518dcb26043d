using System.Runtime.InteropServices;

namespace MiniOneRec.Tensors.Tests;

/// <summary>What a process holds is measured while nothing else runs in it.</summary>
[CollectionDefinition(nameof(NativeHeapTests), DisableParallelization = true)]
public sealed class NativeHeapUsers;

[Collection(nameof(NativeHeapTests))]
public sealed class NativeHeapTests
{
    [SkippableFact]
    public void Read_SeesWhatIsAllocated()
    {
        Skip.If(NativeHeap.Read() is null, "The C library is not glibc 2.33 or newer.");
        const int Bytes = 64 << 20;
        long before = NativeHeap.Read()!.Value.InUse;

        nint block = Marshal.AllocHGlobal(Bytes);
        long during = NativeHeap.Read()!.Value.InUse;
        Marshal.FreeHGlobal(block);
        long after = NativeHeap.Read()!.Value.InUse;

        Assert.InRange(during - before, Bytes - (4 << 20), Bytes + (4 << 20));
        Assert.InRange(during - after, Bytes - (4 << 20), Bytes + (4 << 20));
    }

    [SkippableFact]
    public async Task Worked_OncePaused_GivesFreePagesBack()
    {
        Skip.If(NativeHeap.Read() is null, "The C library is not glibc 2.33 or newer.");
        long before = Resident();
        Fragment();
        long full = Resident();
        Assert.True(full - before > 40 << 20, "The blocks were not kept by the allocator.");

        NativeHeap.Worked();
        for (int i = 0; i < 100 && Resident() - before > 20 << 20; i++)
        {
            await Task.Delay(100);
        }

        Assert.InRange(Resident() - before, long.MinValue, 20 << 20);
    }

    [Fact]
    public void Trim_AnywhereAndAtAnyTime_IsHarmless()
    {
        NativeHeap.Trim();
        NativeHeap.Trim();

        Assert.True(NativeHeap.Read() is null or { InUse: > 0, Free: >= 0 });
    }

    // 64 MB in blocks too small for maps of their own; every 64th stays in use, so that the heap cannot shrink from its end.
    private static void Fragment()
    {
        var blocks = new nint[4_096];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = Marshal.AllocHGlobal(16 << 10);
            for (int page = 0; page < 16 << 10; page += 4 << 10)
            {
                Marshal.WriteByte(blocks[i], page, 1);                  // resident
            }
        }

        for (int i = 0; i < blocks.Length; i++)
        {
            if (i % 64 != 63)
            {
                Marshal.FreeHGlobal(blocks[i]);
            }
        }
    }

    private static long Resident()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line["VmRSS:".Length..].Trim().Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture) << 10;
    }
}
