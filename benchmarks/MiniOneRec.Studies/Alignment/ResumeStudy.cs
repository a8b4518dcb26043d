using System.Security.Cryptography;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>Kills a training process at random moments and looks whether its weights end up the same to the last bit.</summary>
internal sealed class ResumeStudy : IStudy
{
    private const string Started = "training";

    public string Name => "resume";

    public string Description =>
        "Supervised training in a child process, killed by SIGKILL at random moments and continued. --kills 20, --seed, --epochs, "
        + "--checkpoint-every, --precision Full|BFloat16";

    public async Task RunAsync(StudyContext context)
    {
        int kills = context.Option("kills", 20), seed = context.Option("seed", 42), every = context.Option("checkpoint-every", 10),
            epochs = context.Option("epochs", 40);
        string precision = context.Option("precision", nameof(TrainingPrecision.Full)), child = context.Option("child", "");
        if (child.Length > 0)
        {
            await TrainAsync(child, seed, epochs, every, Enum.Parse<TrainingPrecision>(precision), context.CancellationToken);
            return;
        }

        string folder = Directory.CreateTempSubdirectory("minionerec-resume-").FullName;
        try
        {
            string[] Arguments(string run) =>
                ["--child", Path.Combine(folder, run), "--seed", $"{seed}", "--epochs", $"{epochs}", "--checkpoint-every", $"{every}",
                    "--precision", precision];
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            await RunUntilAsync(Arguments("whole"), null, context.CancellationToken);
            double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
            string expected = Hash(Path.Combine(folder, "whole"));

            var random = new Random(seed);
            int done = 0, rounds = 0;
            bool identical = true;
            while (done < kills)
            {
                string run = $"killed-{++rounds}";
                while (!await RunUntilAsync(Arguments(run), done < kills ? TimeSpan.FromSeconds(random.NextDouble() * seconds / 8) : null,
                    context.CancellationToken))
                {
                    context.Log($"kill {++done}");
                }

                bool same = Hash(Path.Combine(folder, run)) == expected;
                context.Log($"round {rounds}: {(same ? "identical" : "different")}");
                identical &= same;
            }

            context.Report("kills", done, "", new { rounds });
            context.Report("bit_identical", identical ? 1 : 0, "");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Returns whether the child came to its end.
    private static async Task<bool> RunUntilAsync(IReadOnlyList<string> arguments, TimeSpan? delay, CancellationToken cancellationToken)
    {
        using var process = ChildProcess.Start("resume", arguments);
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line && line != Started)
        {
            // the child is starting up
        }

        if (delay is { } time)
        {
            await Task.WhenAny(Task.Delay(time, cancellationToken), process.WaitForExitAsync(cancellationToken));
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync(cancellationToken);
                return false;
            }
        }

        await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? true : throw new InvalidDataException($"The child process failed with code {process.ExitCode}.");
    }

    private static async Task TrainAsync(string folder, int seed, int epochs, int every, TrainingPrecision precision,
        CancellationToken cancellationToken)
    {
        var data = new LeaveOneOutSplit().Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = 300 }));
        var random = new Random(seed);
        var index = new SemanticIdIndex(data.Items.Select(item =>
            KeyValuePair.Create(item.Id, new SemanticId(random.Next(16), random.Next(16), random.Next(16)))), [16, 16, 16]);
        var template = CompactTemplate.For(index);
        torch.random.manual_seed(seed);
        using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, hiddenSize: 32));
        var options = new SftOptions
        {
            Seed = seed, Epochs = epochs, BatchSize = 16,
                Checkpoints = new() { Folder = Path.Combine(folder, "checkpoints"), Every = every }, ValidationExamples = 50,
            Precision = precision,
        };
        bool first = true;
        var progress = new Steps(() =>
        {
            if (first)
            {
                first = false;
                Console.Out.WriteLine(Started);
            }
        });
        await new SftTrainer([new NextItemTask { WindowShare = 0.2 }], options)
            .TrainAsync(model, template, new AlignmentData(index, data.TrainSequences), data.Validation, progress, cancellationToken);
        await HuggingFaceFolder.SaveAsync(Path.Combine(folder, "model"), model, cancellationToken: cancellationToken);
    }

    private static string Hash(string folder) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "model", "model.safetensors"))));

    private sealed class Steps(Action report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report();
    }
}
