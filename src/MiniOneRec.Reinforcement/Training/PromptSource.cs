using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MiniOneRec.Modeling;
using MiniOneRec.Training;

namespace MiniOneRec.Reinforcement;

/// <summary>An example with what the catalogue says about it.</summary>
/// <param name="Example">The sample.</param>
/// <param name="Targets">The trie nodes that are right.</param>
/// <param name="Primary">The node of the sample's own target, or of the first other one where that is unknown.</param>
internal sealed record PreparedExample(RolloutExample Example, IReadOnlySet<int> Targets, int Primary);

/// <summary>Training examples in a seeded order without end: a permutation per epoch. The position is the whole state.</summary>
internal sealed class PromptSource
{
    private readonly SemanticIdModel _model;
    private readonly List<PreparedExample> _examples = [];
    private readonly int _seed;
    private int[] _order = [];
    private long _epoch = -1;

    public PromptSource(SemanticIdModel model, IReadOnlyList<RolloutExample> examples, UnknownTargets unknown, int seed)
    {
        (_model, _seed) = (model, seed);
        foreach (var example in examples)
        {
            int[] targets = Targets(example, unknown);
            if (targets.Length > 0)
            {
                _examples.Add(new PreparedExample(example, targets.ToHashSet(), targets[0]));
            }
        }

        Skipped = examples.Count - _examples.Count;
        if (_examples.Count == 0)
        {
            throw new ArgumentException(
                examples.Count == 0 ? "There are no training examples."
                : $"None of the {examples.Count} training examples has a target that is in the catalogue.", nameof(examples));
        }
    }

    /// <summary>Gets how many examples were left out because their target is not in the catalogue.</summary>
    public int Skipped { get; }

    public int Count => _examples.Count;

    /// <summary>Gets or sets how many examples were taken so far.</summary>
    public long Position { get; set; }

    /// <summary>Gets the users whose examples were taken last.</summary>
    public IReadOnlyList<string> LastUsers { get; private set; } = [];

    /// <summary>Takes the next examples.</summary>
    public PreparedExample[] Take(int count)
    {
        var taken = new PreparedExample[count];
        for (int i = 0; i < count; i++, Position++)
        {
            long epoch = Position / _examples.Count;
            if (epoch != _epoch)
            {
                _epoch = epoch;
                _order = [.. Enumerable.Range(0, _examples.Count)];
                SeedStream.Generator(_seed, ~epoch).Shuffle(_order);
            }

            taken[i] = _examples[_order[Position % _examples.Count]];
        }

        LastUsers = [.. taken.Select(prepared => prepared.Example.Source.UserId)];
        return taken;
    }

    /// <summary>Gets the tokens of an example's prompt.</summary>
    public int[] PromptOf(RolloutExample example) => example.Prompt is { } prompt
        ? _model.Template.EncodePrompt(prompt)
        : _model.EncodeHistory(example.Source.History, out _);

    /// <summary>Gets a SHA-256 over the examples, so that a run is resumed on the data that it began with.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var example in _examples.Select(prepared => prepared.Example))
        {
            var source = example.Source;
            string line = string.Join('\u001f', [source.UserId, source.Target, .. example.OtherTargets, "|", .. source.History]);
            hash.AppendData(Encoding.UTF8.GetBytes(line));
            hash.AppendData([0x1e]);
            if (example.Prompt is { } prompt)
            {
                hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(prompt));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Gets a SHA-256 over the template's description and the first prompt's tokens, which tells templates of one name
    /// apart.</summary>
    public string TemplateFingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(_model.Template.Describe().ToJsonString()));
        hash.AppendData(MemoryMarshal.AsBytes<int>(PromptOf(_examples[0].Example)));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private int[] Targets(RolloutExample example, UnknownTargets unknown)
    {
        var nodes = new List<int>();
        foreach (string target in example.OtherTargets.Prepend(example.Source.Target))
        {
            if (_model.Index.TryGetSemanticId(target, out var id))
            {
                nodes.Add(_model.Trie.Find(id.Codes));
            }
            else if (unknown == UnknownTargets.Throw)
            {
                throw new ArgumentException(
                    $"Target '{target}' of user '{example.Source.UserId}' is not in the catalogue of {_model.Index.Count} items.");
            }
        }

        return [.. nodes];
    }
}
