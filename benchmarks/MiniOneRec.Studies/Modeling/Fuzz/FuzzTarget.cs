using System.Buffers.Binary;
using System.Diagnostics;

namespace MiniOneRec.Studies;

/// <summary>A reader of files with a good file to damage.</summary>
/// <param name="Name">The kind of file.</param>
/// <param name="File">The name under which the file is written.</param>
/// <param name="Good">The bytes that are damaged; a safetensors header or the first part of a GGUF file where the rest is data.</param>
/// <param name="Read">Reads the folder that holds the file.</param>
internal sealed record FuzzTarget(string Name, string File, byte[] Good, Action<string> Read)
{
    /// <summary>Gets the number of zero bytes that follow, which take no room on the disk.</summary>
    public long Tail { get; init; }

    /// <summary>Gets whether the file is text.</summary>
    public bool IsText { get; init; } = true;

    /// <summary>Gets the text's structure, by which half of the copies are damaged.</summary>
    public FuzzStructure Structure { get; init; }

    /// <summary>Gets what puts the files beside the damaged one that its reader needs, or <see langword="null"/>.</summary>
    public Action<string>? Beside { get; init; }

    /// <summary>Gets whether the bytes are the header of a safetensors file, which its length precedes.</summary>
    public bool IsSafetensors { get; init; }

    /// <summary>Reads damaged copies, one after the other.</summary>
    /// <param name="folder">A folder of its own; files that readers need besides lie there.</param>
    /// <param name="mutations">How many.</param>
    /// <param name="seed">Where chance begins; mutation i depends on it and i alone.</param>
    /// <param name="cancellationToken">Looked at between mutations.</param>
    public FuzzResult Run(string folder, int mutations, int seed, CancellationToken cancellationToken = default)
    {
        var result = new FuzzResult();
        Once(folder, Framed(Good, Good.Length), result, -1);                    // warm-up, so that what is made once is not counted
        if (result.Refused > 0 || result.Undocumented.Count > 0)
        {
            throw new InvalidDataException(
                $"{Name}: the undamaged file is refused. "
                + $"{string.Join(' ', result.Undocumented.Select(seen => $"{seen.Key}: {seen.Value.Message}"))}");
        }

        result = new FuzzResult();
        for (int i = 0; i < mutations; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var random = new Random(unchecked(seed * 1_000_003 + i));
            byte[] damaged = Damage(random);
            Once(folder, Framed(damaged, random.Next(4) == 0 ? Good.Length : damaged.Length), result, i);
        }

        return result;
    }

    private byte[] Damage(Random random)
    {
        var mutator = new Mutator(random);
        if (Structure == FuzzStructure.None || random.Next(2) == 0)
        {
            return mutator.Mutate(Good, IsText);
        }

        byte[] damaged = new StructureMutator(random).Mutate(Good, Structure);
        return random.Next(4) == 0 ? mutator.Mutate(damaged, IsText) : damaged;
    }

    private byte[] Framed(byte[] bytes, long said)
    {
        if (!IsSafetensors)
        {
            return bytes;
        }

        byte[] framed = new byte[bytes.Length + 8];
        BinaryPrimitives.WriteInt64LittleEndian(framed, said);
        bytes.CopyTo(framed, 8);
        return framed;
    }

    private void Once(string folder, byte[] bytes, FuzzResult result, int number)
    {
        string path = Path.Combine(folder, File);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using (var stream = System.IO.File.Create(path, bufferSize: 1))
        {
            stream.Write(bytes);
            stream.SetLength(bytes.Length + Tail);
        }

        long start = Stopwatch.GetTimestamp(), before = GC.GetTotalAllocatedBytes();
        try
        {
            Read(folder);
            result.Accepted++;
        }
        catch (InvalidDataException)
        {
            result.Refused++;
        }
        catch (FileNotFoundException e) when (e.FileName is not null && e.FileName.StartsWith(folder, StringComparison.Ordinal))
        {
            result.Refused++;                                                   // a shard map that names a file that is not there
        }
        catch (Exception e)
        {
            string frame = e.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("MiniOneRec", StringComparison.Ordinal))?.Trim()
                ?? "";
            string key = $"{e.GetType().Name} {frame}";
            result.Undocumented[key] = result.Undocumented.TryGetValue(key, out var seen) ? seen with { Times = seen.Times + 1 }
                : (number, 1, e.Message.Split('\n')[0]);
        }

        var elapsed = Stopwatch.GetElapsedTime(start);
        long allocated = GC.GetTotalAllocatedBytes() - before;
        if (elapsed > FuzzResult.TimeLimit || allocated > FuzzResult.MemoryLimit)
        {
            result.AboveLimits.Add($"mutation {number}: {elapsed.TotalSeconds:F1} s, {allocated >> 20} MB");
        }

        result.Slowest = TimeSpan.FromTicks(Math.Max(result.Slowest.Ticks, elapsed.Ticks));
        double perByte = (double)allocated / (bytes.Length + FuzzResult.Constant);
        if (perByte > result.AllocatedPerByte)
        {
            (result.AllocatedPerByte, result.LargestAllocation) = (perByte, allocated);
        }
    }
}

/// <summary>What readers made of damaged files.</summary>
internal sealed class FuzzResult
{
    /// <summary>The bytes that a reader may allocate whatever the file's size.</summary>
    public const int Constant = 1 << 20;

    /// <summary>The bytes that no file may make its reader allocate.</summary>
    public const long MemoryLimit = 64 << 20;

    /// <summary>The longest time that the reading of one file may take.</summary>
    public static TimeSpan TimeLimit => TimeSpan.FromSeconds(5);

    /// <summary>Gets the files that took more than <see cref="MemoryLimit"/> or <see cref="TimeLimit"/>.</summary>
    public List<string> AboveLimits { get; } = [];

    /// <summary>Gets or sets how many were read all the same.</summary>
    public int Accepted { get; set; }

    /// <summary>Gets or sets how many were refused with a documented exception.</summary>
    public int Refused { get; set; }

    /// <summary>Gets other exceptions by type and place: the first mutation, how often, and what the first of them said.</summary>
    public Dictionary<string, (int First, int Times, string Message)> Undocumented { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets or sets the longest time for one file.</summary>
    public TimeSpan Slowest { get; set; }

    /// <summary>Gets or sets the most managed memory that one file made a reader allocate, live or not, over its size plus
    /// <see cref="Constant"/>.</summary>
    public double AllocatedPerByte { get; set; }

    /// <summary>Gets or sets those bytes.</summary>
    public long LargestAllocation { get; set; }
}
