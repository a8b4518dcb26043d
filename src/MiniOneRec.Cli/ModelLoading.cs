using System.CommandLine;
using MiniOneRec.Baselines;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli;

/// <summary>Finds and loads a model: a model folder, or a run folder with one.</summary>
internal static class ModelLoading
{
    /// <summary>Gets the option that names the device of a loaded model.</summary>
    public static Option<string> Device { get; } =
        new("--device") { Description = "cpu, cuda or cuda:N.", DefaultValueFactory = _ => "cpu" };

    /// <summary>Gets the option that limits the test rows.</summary>
    public static Option<int?> Rows { get; } = new("--rows") { Description =
        "Measure on this many test rows, drawn by the seed.", HelpName = "N" };

    /// <summary>Makes the option that names a model.</summary>
    public static Option<string> Option() =>
        new("--model", "-m") { Description = "A model folder, or the folder of a run.", HelpName = "DIR", Required = true };

    /// <summary>Loads a model with the prior that was saved with it.</summary>
    /// <param name="path">The model folder, or the folder of a run.</param>
    /// <param name="device">The device.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <param name="configure">Changes the saved options, or <see langword="null"/>.</param>
    public static Task<GenerativeRecommender> LoadAsync(
        string path, string device, CancellationToken cancellationToken, Action<RecommenderOptions>? configure = null) =>
        GenerativeRecommender.LoadAsync(
            Folder(path),
            new RecommenderLoadOptions { Device = device, Scorers = BaselineScorers.Loaders, Configure = configure },
            cancellationToken);

    /// <summary>Gets the model folder that a path names.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static string Folder(string path)
    {
        string inRun = Path.Combine(path, RunArtifacts.Model);
        return Directory.Exists(inRun) ? inRun
            : Directory.Exists(path) ? path
            : throw new DirectoryNotFoundException(
                $"There is no folder '{Path.GetFullPath(path)}'; --model names a model folder or the folder of a run.");
    }
}
