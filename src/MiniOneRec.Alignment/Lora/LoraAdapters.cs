using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>The low-rank adapters of one model.</summary>
/// <remarks>Attached adapters take part in every forward pass; the model's own weights are not touched until <see cref="Merge"/>.</remarks>
public sealed class LoraAdapters : IDisposable
{
    private static readonly ConditionalWeakTable<CausalLanguageModel, LoraAdapters> Attached = [];
    private readonly CausalLanguageModel _model;
    private readonly List<LoraAdapter> _adapters;

    private LoraAdapters(CausalLanguageModel model, LoraOptions options, List<LoraAdapter> adapters)
    {
        (_model, Options, _adapters) = (model, options, adapters);
        Attached.Add(model, this);
    }

    /// <summary>Gets the number of adapted maps.</summary>
    public int Count => _adapters.Count;

    /// <summary>Gets the names of the adapted maps.</summary>
    public IReadOnlyList<string> Names => [.. _adapters.Select(adapter => adapter.Name)];

    internal LoraOptions Options { get; }

    /// <summary>Gets the adapters that are attached to a model, or <see langword="null"/>.</summary>
    /// <param name="model">The model.</param>
    public static LoraAdapters? Of(CausalLanguageModel model) => Attached.TryGetValue(model, out var adapters) ? adapters : null;

    /// <summary>Attaches new adapters, which change nothing until they are trained; drawn from torch's global generator.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">The options.</param>
    /// <exception cref="InvalidOperationException">The model has adapters already.</exception>
    /// <exception cref="ArgumentException">A target names no map of the model.</exception>
    public static LoraAdapters Attach(CausalLanguageModel model, LoraOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options = OptionsValidation.Validated(options ?? new LoraOptions(), new LoraOptionsValidator()).Copy();
        CheckTargets(model, options);
        return AttachAny(model, options);
    }

    /// <summary>Checks that each target names a map of the model, without changing anything.</summary>
    /// <exception cref="ArgumentException">A target names no map of the model.</exception>
    internal static void CheckTargets(CausalLanguageModel model, LoraOptions options)
    {
        var maps = Maps(model);
        if (options.TargetPattern is null && !LoraTargets.IsAll(options))
        {
            foreach (string target in options.Targets)
            {
                if (!maps.Any(map => LoraTargets.EndsIn(map.Name, target)))
                {
                    throw new ArgumentException($"Target '{target}' names no map of the model; it has {Known(maps)}.", nameof(options));
                }
            }
        }

        Choose(model, options);
    }

    /// <summary>Attaches adapters as a file describes them: of several targets, one has to name a map.</summary>
    /// <exception cref="InvalidOperationException">The model has adapters already.</exception>
    internal static LoraAdapters AttachAny(CausalLanguageModel model, LoraOptions options)
    {
        if (Of(model) is not null)
        {
            throw new InvalidOperationException("The model has adapters already; merge or dispose them first.");
        }

        return new(model, options,
            [.. Choose(model, options).Select(map => new LoraAdapter(model, map.Name, map.Map, map.Rank, map.Scale, options.Dropout))]);
    }

    /// <summary>Adds the updates to the model's weights and takes the adapters off.</summary>
    public void Merge()
    {
        foreach (var adapter in _adapters)
        {
            adapter.Merge();
        }

        Dispose();
    }

    /// <summary>Saves the adapters in PEFT's layout, with the rows of embedding and head from <paramref name="firstRow"/> on where
    /// given.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="baseModel">The model that they belong to, as PEFT is to find it; may be empty.</param>
    /// <param name="firstRow">The first row that was trained, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder holds files that are not part of an adapter.</exception>
    /// <exception cref="InvalidOperationException">A weight is not a finite number.</exception>
    public Task SaveAsync(string folder, string baseModel = "", int? firstRow = null, CancellationToken cancellationToken = default) =>
        SaveAsync(folder, overwrite: false, baseModel, firstRow, cancellationToken);

    /// <summary>Saves the adapters in PEFT's layout even where something else is in the folder's place.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="baseModel">The model that they belong to, as PEFT is to find it; may be empty.</param>
    /// <param name="firstRow">The first row that was trained, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">A weight is not a finite number.</exception>
    public Task SaveAsync(string folder, bool overwrite, string baseModel = "", int? firstRow = null,
        CancellationToken cancellationToken = default) =>
        PeftFolder.SaveAsync(folder, _model, Options, Tensors(), baseModel, firstRow, overwrite, cancellationToken);

    /// <summary>Attaches adapters that were saved in PEFT's layout; rows that were saved with them are copied into the model.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">The model that they belong to.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged or belongs to another model; the message names the key.</exception>
    /// <exception cref="InvalidOperationException">The model has adapters already.</exception>
    public static Task<LoraAdapters> LoadAsync(string folder, CausalLanguageModel model, CancellationToken cancellationToken = default) =>
        PeftFolder.LoadAsync(folder, model, null, cancellationToken);

    /// <summary>Attaches adapters that were saved in PEFT's layout; rows that were saved with them are copied into the model.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">The model that they belong to.</param>
    /// <param name="logger">Is told once of the keys that the library does not know, and so ignores.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged, belongs to another model or needs what is not implemented; the message
    /// names the key.</exception>
    /// <exception cref="InvalidOperationException">The model has adapters already.</exception>
    public static Task<LoraAdapters> LoadAsync(string folder, CausalLanguageModel model, ILogger logger,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(logger);
        return PeftFolder.LoadAsync(folder, model, logger, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Attached.Remove(_model);
        foreach (var adapter in _adapters)
        {
            adapter.Dispose();
        }

        _adapters.Clear();
    }

    /// <summary>Gets the trained tensors by their names: the map's, then <c>lora_A</c> or <c>lora_B</c>.</summary>
    internal IReadOnlyList<(string Name, Parameter Value)> Tensors() =>
        [.. _adapters.SelectMany(adapter =>
            new[] { ($"{adapter.Name}.lora_A.weight", adapter.A), ($"{adapter.Name}.lora_B.weight", adapter.B) })];

    internal void ConvertTo(ScalarType type) => _adapters.ForEach(adapter => adapter.ConvertTo(type));

    private static (string Name, Projection Map, int Rank, double Scale)[] Choose(CausalLanguageModel model, LoraOptions options)
    {
        var (maps, targets) = (Maps(model), new LoraTargets(options));
        var chosen = maps.Where(map => map.Name != DecoderTensorNames.HeadModule && targets.Includes(map.Name))
            .Select(map => (map.Name, map.Map, Rank: targets.RankOf(map.Name), Scale: targets.ScaleOf(map.Name))).ToArray();
        return chosen.Length > 0
            ? chosen
            : throw new ArgumentException(
                $"The targets name no map of the model; it has {Known(maps)} in {model.Config.LayerCount} layers.", nameof(options));
    }

    private static (string Name, Projection Map)[] Maps(CausalLanguageModel model) =>
        [.. model.named_modules().Where(pair => pair.module is Projection).Select(pair => (pair.name, (Projection)pair.module))];

    private static string Known((string Name, Projection Map)[] maps) =>
        string.Join(", ", maps.Select(map => map.Name[(map.Name.LastIndexOf('.') + 1)..]).Distinct());
}
