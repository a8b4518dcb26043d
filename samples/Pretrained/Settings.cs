using System.Globalization;
using MiniOneRec;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Recipes;

namespace Pretrained;

/// <summary>What the command line says, and where the model and the data lie.</summary>
/// <param name="Model">A Hugging Face folder or a .gguf file.</param>
/// <param name="Template">How prompts are written.</param>
/// <param name="Dataset">A data set in <c>MINIONEREC_DATA</c>, or <see langword="null"/> for the built-in catalogue.</param>
/// <param name="Steps">Steps of supervised training.</param>
/// <param name="RlSteps">Steps of GRPO.</param>
/// <param name="Users">How many users are trained on.</param>
/// <param name="Rows">How many test rows are measured.</param>
/// <param name="Full">Whether all weights are trained in place of adapters.</param>
internal sealed record Settings(
    string Model, PromptFormat Template, string? Dataset, int Steps, int RlSteps, int Users, int Rows, bool Full)
{
    private const string Usage = """
        usage: Pretrained [--model PATH] [--template alpaca|chat] [--dataset NAME] [--steps N] [--rl-steps N] [--users N] [--rows N] [--full]

          --model PATH      Hugging Face folder or .gguf file; SmolLM2-135M-Instruct in MINIONEREC_MODELS or ../shared/models by default
          --template NAME   chat (default) or alpaca, the prompts of the reference
          --dataset NAME    a data set of the reference layout in the folder MINIONEREC_DATA; the built-in catalogue by default
          --steps N         steps of supervised training, 4 samples each (16)
          --rl-steps N      steps of GRPO, 4 prompts each (2); 0 for none
          --users N         users that are trained on (200)
          --rows N          test rows that are measured (20)
          --full            trains all weights; by default LoRA adapters and the rows of the codes
        """;

    /// <summary>Reads the command line; prints what is wrong or missing and returns <see langword="null"/> where it cannot run.</summary>
    public static Settings? Read(string[] args)
    {
        try
        {
            var given = Parse(args);
            string model = given.GetValueOrDefault("--model") ?? DefaultModel();
            if (!Directory.Exists(model) && !File.Exists(model))
            {
                Console.Error.WriteLine(
                    $"There is no model at '{model}'. Name one by --model, "
                    + "or set MINIONEREC_MODELS to the folder that holds SmolLM2-135M-Instruct.");
                return null;
            }

            if (given.ContainsKey("--dataset") && !Directory.Exists(Environment.GetEnvironmentVariable("MINIONEREC_DATA")))
            {
                Console.Error.WriteLine("--dataset needs the environment variable MINIONEREC_DATA to name the folder of the data sets.");
                return null;
            }

            return new Settings(
                Inside(model), Enum.Parse<PromptFormat>(given.GetValueOrDefault("--template", "chat"), ignoreCase: true),
                given.GetValueOrDefault("--dataset"), Number("--steps", 16), Number("--rl-steps", 2), Number("--users", 200),
                    Number("--rows", 20), given.ContainsKey("--full"));

            int Number(string name, int value) => given.TryGetValue(name, out string? text)
                ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)
                : value;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            Console.Error.WriteLine(e.Message);
            Console.Error.WriteLine(Usage);
            return null;
        }
    }

    /// <summary>Reads the data and keeps the first users.</summary>
    public async Task<SplitDataset> LoadAsync()
    {
        var data = Dataset is null
            ? new LeaveOneOutSplit(maxHistory: 10).Split(DemoCatalogue.Create())
            : await new RecipeData
            {
                Folder = Environment.GetEnvironmentVariable("MINIONEREC_DATA"), Dataset = Dataset, Split = "leave-one-out",
            }.LoadAsync();
        var users = data.TrainSequences.Take(Users).Select(sequence => sequence.UserId).ToHashSet();
        return data with
        {
            TrainSequences = [.. data.TrainSequences.Where(sequence => users.Contains(sequence.UserId))],
            Train = [.. data.Train.Where(row => users.Contains(row.UserId))],
            Test = [.. data.Test.Where(row => users.Contains(row.UserId)).Take(Rows)],
        };
    }

    private static Dictionary<string, string> Parse(string[] args)
    {
        var given = new Dictionary<string, string>();
        for (int i = 0; i < args.Length; i++)
        {
            given[args[i]] = args[i] switch
            {
                "--full" => "",
                "--model" or "--template" or "--dataset" or "--steps" or "--rl-steps" or "--users" or "--rows" when i + 1 < args.Length =>
                    args[++i],
                _ => throw new ArgumentException($"'{args[i]}' is not an option or lacks its value."),
            };
        }

        return given;
    }

    private static string DefaultModel()
    {
        string? models = Environment.GetEnvironmentVariable("MINIONEREC_MODELS");
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); models is null && folder is not null; folder = folder.Parent)
        {
            models = File.Exists(Path.Combine(folder.FullName, "MiniOneRec.sln"))
                ? Path.GetFullPath(Path.Combine(folder.FullName, "..", "shared", "models"))
                : null;
        }

        return Path.Combine(models ?? "models", "SmolLM2-135M-Instruct");
    }

    // A folder that holds a GGUF file and no safetensors stands for the file.
    private static string Inside(string path) =>
        Directory.Exists(path) && Directory.GetFiles(path, "*.safetensors").Length == 0
            && Directory.GetFiles(path, "*.gguf") is [var file, ..]
            ? file
            : path;
}
