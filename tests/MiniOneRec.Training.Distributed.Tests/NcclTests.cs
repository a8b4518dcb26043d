using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace MiniOneRec.Training.Distributed.Tests;

public sealed class NcclTests
{
    // nccl.h: typedef struct { char internal[NCCL_UNIQUE_ID_BYTES]; } ncclUniqueId, NCCL_UNIQUE_ID_BYTES = 128.
    [Fact]
    public void UniqueId_HasTheLayoutOfTheHeader()
    {
        Assert.Equal(128, Unsafe.SizeOf<NcclUniqueId>());
        Assert.Equal(128, Marshal.SizeOf<NcclUniqueId>());
        Assert.False(RuntimeHelpers.IsReferenceOrContainsReferences<NcclUniqueId>());
    }

    [Fact]
    public void Enums_HaveTheValuesOfTheHeader()
    {
        Assert.Equal([1, 7, 9], new[] { NcclType.UInt8, NcclType.Float32, NcclType.BFloat16 }.Select(type => (int)type));
        Assert.Equal(Enumerable.Range(0, 9), Enum.GetValues<NcclResult>().Select(result => (int)result));
        Assert.Equal(sizeof(int), Unsafe.SizeOf<NcclType>());
        Assert.Equal(sizeof(int), Unsafe.SizeOf<NcclResult>());
    }

    // A structure of 128 bytes goes by value: a callee by C's convention sees all of it, and the arguments around it.
    [Fact]
    public unsafe void UniqueId_PassedByValue_ArrivesWhole()
    {
        NcclUniqueId id = default;
        for (int i = 0; i < NcclUniqueId.Size; i++)
        {
            id.Bytes[i] = (byte)(i + 1);
        }

        nint communicator = 0;
        delegate* unmanaged[Cdecl]<nint*, int, NcclUniqueId, int, NcclResult> join = &Join;

        Assert.Equal(NcclResult.Success, join(&communicator, 7, id, 3));
        Assert.Equal(128 * 129 / 2 + 7000 + 300_000, communicator);
    }

    [Fact]
    public void Load_AMissingLibrary_NamesWhatToDo()
    {
        var error = Assert.Throws<DllNotFoundException>(() => NcclLibrary.Load("libnosuchnccl.so"));

        Assert.Contains("MINIONEREC_NCCL", error.Message, StringComparison.Ordinal);
        Assert.Throws<DllNotFoundException>(() => NcclLibrary.Load("libc.so.6"));
    }

    [Fact]
    public void New_WithoutAGpu_SaysSo()
    {
        if (torch.cuda.is_available())
        {
            return;
        }

        using var one = new SingleProcess();

        var error = Assert.Throws<DllNotFoundException>(() => new NcclProcessGroup(one));

        Assert.Contains("MpiProcessGroup", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    [Trait("Category", "Gpu")]
    public void Operations_OfOneProcess_OnAGpu_LeaveTheValues()
    {
        Skip.IfNot(torch.cuda.is_available(), "There is no GPU.");
        using var scope = torch.NewDisposeScope();
        using var one = new SingleProcess();
        NcclProcessGroup group;
        try
        {
            group = new NcclProcessGroup(one);
        }
        catch (DllNotFoundException e)
        {
            throw new SkipException(e.Message);
        }

        using (group)
        {
            foreach (var type in new[] { torch.ScalarType.Float32, torch.ScalarType.BFloat16 })
            {
                foreach (long size in new[] { 0L, 1, 1001, 1 << 20 })
                {
                    var values = torch.arange(0, size, 1, dtype: torch.ScalarType.Float32, device: torch.CUDA).to_type(type);
                    var (part, whole) = (torch.zeros_like(values), torch.zeros_like(values));
                    var before = values.clone();
                    group.AllReduce(values).Wait();
                    group.ReduceScatter(values, part).Wait();
                    group.AllGather(part, whole).Wait();
                    group.Broadcast(whole, 0).Wait();
                    Assert.True(whole.equal(before).item<bool>(), $"{size} {type}");
                }
            }

            group.Barrier();
            Assert.Equal([3, 4], group.GatherEqual<double>([3, 4]));
        }
    }

    [Fact]
    public async Task Rendezvous_ThreeRanks_ShareTheBytesOfTheFirst()
    {
        int port = FreePort();
        byte[] id = [.. Enumerable.Range(0, 128).Select(i => (byte)i)];

        var ranks = new[] { 2, 0, 1 }.Select(rank => Task.Run(() =>
            new Rendezvous(rank, 3, rank, "127.0.0.1", port).Share(rank == 0 ? id : new byte[128], TimeSpan.FromSeconds(20))));

        Assert.All(await Task.WhenAll(ranks), bytes => Assert.Equal(id, bytes));
    }

    [Fact]
    public void Rendezvous_AMissingRank_IsNamed()
    {
        var first = Assert.Throws<ProcessGroupException>(() =>
            new Rendezvous(0, 2, 0, "127.0.0.1", FreePort()).Share(new byte[4], TimeSpan.FromMilliseconds(200)));
        var other = Assert.Throws<ProcessGroupException>(() =>
            new Rendezvous(1, 2, 1, "127.0.0.1", FreePort()).Share(new byte[4], TimeSpan.FromMilliseconds(200)));

        Assert.Contains("rank 1 did not come", first.Message, StringComparison.Ordinal);
        Assert.Contains("MASTER_PORT", other.Message, StringComparison.Ordinal);
        Assert.Equal((1, 0), (first.FailedRank, other.FailedRank));
    }

    [Theory]
    [InlineData("WORLD_SIZE", null, "WORLD_SIZE is not set")]
    [InlineData("RANK", "2", "RANK is '2'; a number from 0 to 1")]
    [InlineData("MASTER_PORT", "x", "MASTER_PORT is 'x'")]
    [InlineData("MASTER_ADDR", "", "MASTER_ADDR is not set")]
    public void Rendezvous_AWrongVariable_IsNamed(string name, string? value, string message)
    {
        var variables = new Dictionary<string, string?>
        {
            ["RANK"] = "1", ["WORLD_SIZE"] = "2", ["MASTER_ADDR"] = "host", ["MASTER_PORT"] = "29500",
        };
        Assert.Equal(new Rendezvous(1, 2, 1, "host", 29500), Rendezvous.Read(variables.GetValueOrDefault));
        variables[name] = value;

        var error = Assert.Throws<InvalidOperationException>(() => Rendezvous.Read(variables.GetValueOrDefault));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe NcclResult Join(nint* communicator, int size, NcclUniqueId id, int rank)
    {
        int sum = 0;
        for (int i = 0; i < NcclUniqueId.Size; i++)
        {
            sum += id.Bytes[i];
        }

        *communicator = sum + size * 1000 + rank * 100_000;
        return NcclResult.Success;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
