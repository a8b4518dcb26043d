using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Saves, loads and puts together the state of a run of which each process may have a part.</summary>
/// <remarks>Every process must make the same calls.</remarks>
internal static class DividedState
{
    /// <summary>Saves a run: where the state is divided every process writes its own file, else the first writes all.</summary>
    /// <param name="parallel">The processes.</param>
    /// <param name="first">The checkpoints, <see langword="null"/> in all processes but the first.</param>
    /// <param name="state">Where the run stands.</param>
    /// <param name="own">What this process has.</param>
    public static void Save<TState>(
        this ParallelRun parallel, RunCheckpoint<TState>? first, TState state, IReadOnlyList<StatePart> own)
        where TState : RunState
    {
        if (parallel.Sharding == Sharding.None)
        {
            parallel.OnFirst(() => first!.Save(state, Wholes(own)));
            return;
        }

        if (!parallel.IsFirst)
        {
            if (Told(parallel, "") is { Length: > 0 } folder)
            {
                WriteShards(parallel, folder, own);
            }

            parallel.OnFirst(() => { });
            return;
        }

        bool told = false;
        Exception? error = null;
        try
        {
            first!.Save(state, [], folder =>
            {
                told = true;
                WriteShards(parallel, Told(parallel, folder), own);
            });
        }
        catch (Exception e) when (e is not ProcessGroupException)
        {
            error = e;
            if (!told)
            {
                Told(parallel, "");
            }
        }

        parallel.OnFirst(() =>
        {
            if (error is not null)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
            }
        });
    }

    /// <summary>Reads the newest checkpoint, of however many processes, into what each process has.</summary>
    /// <param name="parallel">The processes.</param>
    /// <param name="first">The checkpoints, <see langword="null"/> in all processes but the first.</param>
    /// <param name="own">What this process has.</param>
    /// <returns>Where the run stands.</returns>
    public static TState? Load<TState>(this ParallelRun parallel, RunCheckpoint<TState>? first, IReadOnlyList<StatePart> own)
        where TState : RunState
    {
        if (parallel.IsAlone)
        {
            return first!.Load(Wholes(own));
        }

        if (parallel.Sharding == Sharding.None)
        {
            var loaded = parallel.OnFirst(() => first!.Load(Wholes(own)));
            parallel.Broadcast(own.Select(part => part.Value));
            return loaded;
        }

        var facts = Facts(parallel, own);
        StateFiles? files = null;
        var state = parallel.OnFirst(() =>
        {
            (var at, files) = first!.Open([.. facts.Select(fact => (fact.Name, (IReadOnlyList<long>)fact.Shape))], own);
            return at;
        });
        parallel.Scatter(own, facts, fact =>
        {
            using var stored = files!.Load([fact.Name]);
            return stored.Get(fact.Name, fact.Shape).alias();
        });
        return state;
    }

    /// <summary>Puts tensors together, one after the other, and gives each to every process.</summary>
    /// <param name="parallel">The processes.</param>
    /// <param name="own">What this process has of them.</param>
    /// <param name="take">Receives each name with the whole tensor, which belongs to the current dispose scope.</param>
    public static void Assemble(this ParallelRun parallel, IReadOnlyList<StatePart> own, Action<string, Tensor> take)
    {
        using var noGrad = no_grad();
        var parts = own.ToLookup(part => part.Name, StringComparer.Ordinal);
        foreach (var fact in Facts(parallel, own))
        {
            using var scope = NewDisposeScope();
            var whole = zeros(fact.Shape, dtype: fact.Type, device: DeviceOf(own));
            foreach (var part in fact.IsShared && !parallel.IsFirst ? [] : parts[fact.Name])
            {
                part.CopyTo(whole);
            }

            if (!parallel.IsAlone)
            {
                parallel.Group.AllReduce(whole).Wait();                     // all but one process have zeros
            }

            take(fact.Name, whole);
        }
    }

    /// <summary>Hands whole tensors to all that have parts of them.</summary>
    /// <param name="parallel">The processes.</param>
    /// <param name="own">What this process has.</param>
    /// <param name="facts">The tensors.</param>
    /// <param name="read">Reads one on the first process.</param>
    internal static void Scatter(
        this ParallelRun parallel, IReadOnlyList<StatePart> own, IReadOnlyList<Fact> facts, Func<Fact, Tensor> read)
    {
        using var noGrad = no_grad();
        var parts = own.ToLookup(part => part.Name, StringComparer.Ordinal);
        foreach (var fact in facts)
        {
            using var scope = NewDisposeScope();
            var whole = empty(fact.Shape, dtype: fact.Type, device: DeviceOf(own));
            if (parallel.IsFirst)
            {
                whole.copy_(read(fact));
            }

            parallel.Group.Broadcast(whole, 0).Wait();
            foreach (var part in parts[fact.Name])
            {
                part.CopyFrom(whole);
            }
        }
    }

    /// <summary>Lists the tensors that some process has a part of, the same everywhere.</summary>
    internal static IReadOnlyList<Fact> Facts(ParallelRun parallel, IReadOnlyList<StatePart> own) =>
        [.. parallel.Gather<Fact>([.. own.Select(part => new Fact(part.Name, [.. part.Shape], part.Value.dtype, part.Value.numel()))])
            .GroupBy(fact => fact.Name, StringComparer.Ordinal)
            .Select(facts => facts.First() with { Held = facts.Sum(fact => fact.Held) })];

    private static (string Name, Tensor Value)[] Wholes(IReadOnlyList<StatePart> own) => [.. own.Select(part => (part.Name, part.Value))];

    private static Device DeviceOf(IReadOnlyList<StatePart> own) => own.Count > 0 ? own[0].Value.device : CPU;

    private static string Told(ParallelRun parallel, string folder) =>
        System.Text.Encoding.UTF8.GetString(parallel.Group.Gather(System.Text.Encoding.UTF8.GetBytes(folder))[0]);

    // What every process has as a whole is the first's to write.
    private static void WriteShards(ParallelRun parallel, string folder, IReadOnlyList<StatePart> own)
    {
        using var noGrad = no_grad();
        if (parallel.RanksWhere(!Directory.Exists(folder)).Length > 0)
        {
            WriteWhole(parallel, folder, own);
            return;
        }

        var shared = Facts(parallel, own).Where(fact => fact.IsShared).Select(fact => fact.Name).ToHashSet(StringComparer.Ordinal);
        string? complaint = null;
        try
        {
            string path = Path.Combine(folder, StateFiles.ShardFile(parallel.Group.Rank, parallel.Group.Size));
            StateFiles.SaveShardAsync(path, parallel.IsFirst ? own : [.. own.Where(part => !shared.Contains(part.Name))])
                .GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            complaint = e.Message;
        }

        if (parallel.FirstComplaint(complaint) is { } found)
        {
            throw new IOException(found);
        }
    }

    // The processes have no file system in common.
    private static void WriteWhole(ParallelRun parallel, string folder, IReadOnlyList<StatePart> own)
    {
        var wholes = new List<(string Name, Tensor Value)>();
        try
        {
            parallel.Assemble(own, (name, whole) =>
            {
                if (parallel.IsFirst)
                {
                    wholes.Add((name, whole.DetachFromDisposeScope()));
                }
            });
            if (parallel.IsFirst)
            {
                SafetensorsFile.SaveAsync(Path.Combine(folder, StateFiles.Whole), wholes).GetAwaiter().GetResult();
            }
        }
        finally
        {
            foreach (var (_, value) in wholes)
            {
                value.Dispose();
            }
        }
    }

    /// <summary>A tensor that is divided, or that all processes have.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Shape">The shape of the whole.</param>
    /// <param name="Type">The type of its values.</param>
    /// <param name="Held">The values that all processes have together.</param>
    internal sealed record Fact(string Name, long[] Shape, ScalarType Type, long Held)
    {
        /// <summary>Gets whether every process has all of it.</summary>
        public bool IsShared => Held > Shape.Aggregate(1L, (product, size) => product * size);
    }
}
