using System.Buffers.Binary;
using System.Security.Cryptography;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

/// <summary>The tasks on whole catalogues: checksums of all ids and labels, and what no prompt may hold.</summary>
[Trait("Category", "Parity")]
public sealed class TaskParityTests
{
    [SkippableTheory]
    [InlineData(PromptFixture.Industrial, "T1 train")]
    [InlineData(PromptFixture.Industrial, "T5 valid")]
    [InlineData(PromptFixture.Office, "T1 valid")]
    [InlineData(PromptFixture.Office, "T3 valid")]
    public async Task AllRows_HaveTheRecordedChecksums(string dataSet, string part)
    {
        var data = await PromptFixture.DataAsync(dataSet);
        var template = await PromptFixture.TemplateAsync(dataSet);
        var expected = PromptFixture.Json("stats.json").GetProperty("sets").GetProperty(dataSet).GetProperty(part);
        IAlignmentTask task = part[..2] switch
        {
            "T1" => new NextItemTask { Mode = NextItemMode.Row },
            "T3" => new NextTitleTask(),
            _ => new TitlesToSidTask { Category = "industrial and scientific items" },
        };
        var rows = part.EndsWith("train", StringComparison.Ordinal) ? data.Train : data.Validation;
        var context = new TaskContext(new AlignmentData(data.Index!, []) { Rows = rows, Items = data.Items }, template, new Random(1));

        using var ids = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var labels = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int count = 0;
        foreach (var sample in task.CreateSamples(context).Select(sample => sample.CutLeft(512)))
        {
            Append(ids, sample.Tokens);
            Append(labels, [.. sample.Tokens.Zip(sample.Labels, (token, isLabel) => isLabel ? token : -100)]);
            count++;
        }

        Assert.Equal(expected.GetProperty("examples").GetInt32(), count);
        Assert.Equal(expected.Text("input_ids_sha256"), Convert.ToHexStringLower(ids.GetHashAndReset()));
        Assert.Equal(expected.Text("labels_sha256"), Convert.ToHexStringLower(labels.GetHashAndReset()));
    }

    [SkippableTheory]
    [InlineData(PromptFixture.Industrial)]
    [InlineData(PromptFixture.Office)]
    public async Task NoPrompt_ContainsItsAnswer(string dataSet)
    {
        var data = await PromptFixture.DataAsync(dataSet);
        var template = new RecordingTemplate((await PromptFixture.TemplateAsync(dataSet)).Vocabulary);

        // The target may truly occur in the history, as the item, its semantic ID or its title: those rows say nothing.
        var titles = data.Items.ToDictionary(item => item.Id, item => item.Title);
        var rows = data.Train.Where(row => !row.History.Any(item =>
            data.Index![item] == data.Index[row.Target] || titles[item].Contains(titles[row.Target], StringComparison.Ordinal))).ToArray();
        UserPreference[] preferences =
            [.. rows.Take(2_000).Select(row => new UserPreference(row.UserId, row.History, row.Target, "Prefers sturdy tools."))];
        var alignment = new AlignmentData(data.Index!, []) { Rows = rows, Items = data.Items };
        IAlignmentTask[] tasks =
        [
            new NextItemTask { Mode = NextItemMode.Row }, new TitleToSidTask(), new SidToTitleTask(), new NextTitleTask(),
                new TitlesToTitleTask(), new TitlesToSidTask(),
            new PreferenceAndSidTask(preferences), new PreferenceToSidTask(preferences),
        ];

        foreach (var task in tasks)
        {
            int before = template.Pairs.Count;
            foreach (var _ in task.CreateSamples(new TaskContext(alignment, template, new Random(1))))
            {
                // the template records the pair
            }

            Assert.True(template.Pairs.Count - before > 1_000, task.Name);
        }

        foreach (var (prompt, response) in template.Pairs)
        {
            string answer = response.SemanticId?.ToString() ?? response.Text!.Trim('"');
            bool found = $"\n{prompt.Input}\n".Contains(answer.Length > 12 ? answer : $"\"{answer}\"", StringComparison.Ordinal);
            Assert.False(found, $"{prompt.Task}: '{answer}' stands in '{prompt.Input}'");
        }
    }

    [SkippableTheory]
    [InlineData(PromptFixture.Industrial, 3_686)]
    [InlineData(PromptFixture.Office, 3_459)]
    public async Task ItemTasks_MakeOneSamplePerItem(string dataSet, int items)
    {
        var data = await PromptFixture.DataAsync(dataSet);
        var template = new RecordingTemplate((await PromptFixture.TemplateAsync(dataSet)).Vocabulary);
        var alignment = new AlignmentData(data.Index!, []) { Items = [.. data.Items.Skip(5)] };

        foreach (var task in new IAlignmentTask[] { new TitleToSidTask(), new SidToTitleTask() })
        {
            var context = new TaskContext(alignment, template, new Random(1));

            var samples = task.CreateSamples(context).ToArray();

            // Items that share a title or a semantic ID each have their own.
            Assert.Equal(data.Items.Skip(5).Select(item => item.Id),
                samples.Select(sample => sample.Id).Order(Comparer<string>.Create((a, b) => Row(data, a) - Row(data, b))));
            Assert.Equal(items - 5, samples.Length);
            Assert.Equal(5, context.Skipped["no title"]);
        }
    }

    private static int Row(MiniOneRec.Datasets.SplitDataset data, string item) => data.Index!.TryGetRow(item, out int row) ? row : -1;

    [SkippableFact]
    public async Task Preferences_AreReadAsRecorded()
    {
        string path = Path.Combine(TestData.ForeignFixture("prompts"), "preferences-Industrial_and_Scientific.json");

        var preferences = await UserPreference.LoadAsync(path);

        Assert.Equal(59, preferences.Count);
        Assert.Equal(("A3801", "1481", ""), (preferences[0].UserId, preferences[0].Target, preferences[0].Text));
        Assert.Equal(["3087"], preferences[0].History);
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<int> numbers)
    {
        Span<byte> bytes = new byte[4 * (numbers.Length + 1)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, numbers.Length);
        for (int i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes[(4 * i + 4)..], numbers[i]);
        }

        hash.AppendData(bytes);
    }
}
